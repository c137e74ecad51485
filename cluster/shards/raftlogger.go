package shards

import (
	"context"
	"fmt"
	"log/slog"

	"go.etcd.io/raft/v3/tracker"

	"dormouse/codec/ids"
)

type progress = tracker.Progress

const stateReplicate = tracker.StateReplicate

// raftLogger gives raft's words to the log, at debug level but for warnings and
// errors. A panic of raft ends the engine (see run).
type raftLogger struct {
	log   *slog.Logger
	shard ids.Shard
}

func (l raftLogger) say(level slog.Level, text string) {
	l.log.Log(context.Background(), level, text, "shard", int(l.shard))
}

func (l raftLogger) Debug(v ...interface{})                 {}
func (l raftLogger) Debugf(format string, v ...interface{}) {}
func (l raftLogger) Info(v ...interface{})                  { l.say(slog.LevelDebug, fmt.Sprint(v...)) }
func (l raftLogger) Infof(f string, v ...interface{})       { l.say(slog.LevelDebug, fmt.Sprintf(f, v...)) }
func (l raftLogger) Warning(v ...interface{})               { l.say(slog.LevelWarn, fmt.Sprint(v...)) }
func (l raftLogger) Warningf(f string, v ...interface{})    { l.say(slog.LevelWarn, fmt.Sprintf(f, v...)) }
func (l raftLogger) Error(v ...interface{})                 { l.say(slog.LevelError, fmt.Sprint(v...)) }
func (l raftLogger) Errorf(f string, v ...interface{})      { l.say(slog.LevelError, fmt.Sprintf(f, v...)) }
func (l raftLogger) Fatal(v ...interface{})                 { panic(fmt.Sprint(v...)) }
func (l raftLogger) Fatalf(f string, v ...interface{})      { panic(fmt.Sprintf(f, v...)) }
func (l raftLogger) Panic(v ...interface{})                 { panic(fmt.Sprint(v...)) }
func (l raftLogger) Panicf(f string, v ...interface{})      { panic(fmt.Sprintf(f, v...)) }
