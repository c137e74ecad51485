package provision_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/bench/provision"
	"dormouse/bench/server/servertest"
)

func listen(t *testing.T) *servertest.Server {
	t.Helper()
	s, err := servertest.Listen("127.0.0.1:0", "127.0.0.1:0")
	if err == nil {
		err = s.Secure("127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func of(c secure.Credentials) func(int) secure.Credential {
	return func(i int) secure.Credential { return c.Of(fmt.Sprint("d", i)) }
}

// Twice is once; another key is refused, and in no error.
func TestPost(t *testing.T) {
	s := listen(t)
	good := secure.Credentials{Seed: "a"}
	for range 2 {
		if err := provision.Post(t.Context(), s.API()+"/", 100, of(good)); err != nil {
			t.Fatal(err)
		}
	}
	key := "0123456789abcdef"
	err := provision.Post(t.Context(), s.API(), 100, of(secure.Credentials{Key: []byte(key)}))
	if err == nil || !strings.Contains(err.Error(), "409") || strings.Contains(err.Error(), key) {
		t.Errorf("another key: %v", err)
	}
	if err := provision.Post(t.Context(), s.API()+"/nowhere", 1, of(good)); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("no API: %v", err)
	}
	if err := provision.Post(t.Context(), "::", 1, of(good)); err == nil {
		t.Error("no address")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if err := provision.Post(ctx, s.API(), 100, of(good)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without time: %v", err)
	}
}
