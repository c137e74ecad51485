// Package provision tells a server the credentials of devices before they come,
// through its API.
package provision

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/codec/platform"
)

const (
	workers    = 32 // requests at the same time: a server commits together what comes together
	timeout    = 30 * time.Second
	maxRefusal = 200 // bytes of an answer that are shown
)

var client = &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: workers}}

// Post posts the credentials of n devices to the API at base
// ("http://127.0.0.1:8080"). Those that the server has already change nothing;
// where it has others of the same name or identity, and for all else that is no
// success, the first error ends it. It names no key.
func Post(ctx context.Context, base string, n int, of func(i int) secure.Credential) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var running sync.WaitGroup
	for range min(workers, n) {
		running.Go(func() {
			for i := range next {
				if err := post(ctx, base, of(i)); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

func post(ctx context.Context, base string, c secure.Credential) error {
	body := platform.NewCredentials{Endpoint: c.Endpoint, Identity: c.Identity, Key: c.Key}.Append(nil)
	url := strings.TrimSuffix(base, "/") + platform.CredentialsPath
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("provision: %s: %w", c.Endpoint, err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("provision: %s: %w", c.Endpoint, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, platform.MaxCollection))
	switch {
	case err != nil:
		return fmt.Errorf("provision: %s: reading the answer: %w", c.Endpoint, err)
	case answer.StatusCode/100 != 2:
		return fmt.Errorf("provision: %s: %s %.*s", c.Endpoint, answer.Status, maxRefusal, text)
	}
	return nil
}
