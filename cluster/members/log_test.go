package members

import (
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLogIsBounded(t *testing.T) {
	l := &logger{}
	now := time.Unix(1000, 0)
	for range logBurst {
		if dropped, ok := l.allow(now); !ok || dropped != 0 {
			t.Fatal("dropped too early")
		}
	}
	for range 5 {
		if _, ok := l.allow(now); ok {
			t.Fatal("let through")
		}
	}
	if dropped, ok := l.allow(now.Add(time.Second)); !ok || dropped != 5 {
		t.Errorf("a second later: %d dropped, %v", dropped, ok)
	}
}

func TestLogLevels(t *testing.T) {
	var text strings.Builder
	l := &logger{to: slog.New(slog.NewTextHandler(&text, nil))}
	for _, level := range []string{"DEBUG", "INFO", "WARN", "ERR"} {
		log.New(l, "", 0).Printf("[%s] memberlist: of %s", level, level)
	}
	log.New(l, "", 0).Print("of none")
	for level, want := range map[string]string{
		"DEBUG": "", "INFO": "", "WARN": "level=INFO", "ERR": "level=WARN", "none": "level=INFO",
	} {
		line := ""
		for one := range strings.Lines(text.String()) {
			if strings.Contains(one, fmt.Sprintf("msg=\"members: of %s\"", level)) {
				line = one
			}
		}
		if !strings.Contains(line, want) || (want == "") != (line == "") {
			t.Errorf("%s became %q", level, line)
		}
	}
}
