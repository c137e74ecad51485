// Package api asks a server's HTTP API what drivers of devices need to know.
package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

const (
	page    = 2000 // objects per page, the most there may be
	timeout = 30 * time.Second
	workers = 8 // connections that are kept to a server
)

var client = &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: workers}}

// Call is one request of the API, whose answer must be a success. body is nil
// for none.
func Call(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("api: %s %s: %w", method, url, err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, platform.MaxCollection))
	if err != nil {
		return nil, fmt.Errorf("api: %s %s: %w", method, url, err)
	}
	if answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("api: %s %s: %s %.200s", method, url, answer.Status, b)
	}
	return b, nil
}

// Objects pages through the inventory of the API at base
// ("http://127.0.0.1:8080") and returns those of the wanted names that are there.
func Objects(ctx context.Context, base string, wanted map[string]bool) (map[string]ids.Object, error) {
	found := map[string]ids.Object{}
	for number := 1; ; number++ {
		body, err := Call(ctx, http.MethodGet, fmt.Sprintf("%s%s?pageSize=%d&currentPage=%d", base, platform.ObjectsPath, page, number), nil)
		if err != nil {
			return nil, err
		}
		c, err := platform.ParseCollection(body, platform.ManagedObjects)
		if err != nil {
			return nil, fmt.Errorf("api: reading the inventory: %w", err)
		}
		for _, item := range c.Items {
			m, err := platform.ParseManagedObject(item)
			if err != nil {
				return nil, fmt.Errorf("api: reading the inventory: %w", err)
			}
			if wanted[m.Name] {
				found[m.Name] = m.ID
			}
		}
		if len(c.Items) < page || len(found) == len(wanted) {
			return found, nil
		}
	}
}
