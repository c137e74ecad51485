package members

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// logBurst bounds the lines of memberlist in a second: a stranger who sends
// packets writes one with each.
const logBurst = 20

// logger is what memberlist writes to. Each Write is one line,
// "[LEVEL] memberlist: text".
type logger struct {
	to        *slog.Logger
	strangers atomic.Int64

	mu      sync.Mutex
	second  int64 // the current one
	lines   int   // in it
	dropped int   // since the last that was let through
}

// strange are words of memberlist when somebody without our key or label spoke.
// It has no other way to say so; TestStrangers fails when they change.
var strange = [][]byte{
	[]byte("unacceptable label"),
	[]byte("Decrypt packet failed"),
	[]byte("no installed keys could decrypt the message"),
	[]byte("remote state is not encrypted"),
	[]byte("remote state is encrypted"),
}

// levels of memberlist. What it calls an error is a stranger or a lost
// connection as a rule, and none of ours.
var levels = map[string]slog.Level{
	"[DEBUG]": slog.LevelDebug, "[INFO]": slog.LevelDebug, "[WARN]": slog.LevelInfo, "[ERR]": slog.LevelWarn, "[ERROR]": slog.LevelWarn,
}

func (l *logger) Write(line []byte) (int, error) {
	for _, words := range strange {
		if bytes.Contains(line, words) {
			l.strangers.Add(1)
			break
		}
	}
	whole := bytes.TrimSpace(line)
	tag, text, _ := bytes.Cut(whole, []byte(" "))
	level, known := levels[string(tag)]
	if !known {
		level, text = slog.LevelInfo, whole
	}
	l.log(level, string(bytes.TrimPrefix(text, []byte("memberlist: "))))
	return len(line), nil
}

func (l *logger) log(level slog.Level, text string) {
	if !l.to.Enabled(context.Background(), level) {
		return
	}
	if dropped, ok := l.allow(time.Now()); ok {
		l.to.Log(context.Background(), level, "members: "+text, "dropped_before", dropped)
	}
}

// allow says whether a line may be written, and how many were not before it.
func (l *logger) allow(now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Unix() != l.second {
		l.second, l.lines = now.Unix(), 0
	}
	if l.lines++; l.lines > logBurst {
		l.dropped++
		return 0, false
	}
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}
