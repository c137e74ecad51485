package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxMetrics bounds the page of metrics.
const maxMetrics = 4 << 20

var client = &http.Client{Timeout: 10 * time.Second}

// Counter reads a metric without labels from the API at base.
func Counter(ctx context.Context, base, name string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("server: reading metrics: %w", err)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("server: reading metrics: %w", err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(io.LimitReader(answer.Body, maxMetrics))
	if err != nil {
		return 0, fmt.Errorf("server: reading metrics: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("server: reading metrics: %s", answer.Status)
	}
	return parseMetric(page, name)
}

// parseMetric finds "name value" in the text format of Prometheus.
func parseMetric(page []byte, name string) (float64, error) {
	for line := range bytes.Lines(page) {
		found, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte{' '})
		if ok && string(found) == name {
			v, err := strconv.ParseFloat(string(value), 64)
			if err != nil {
				return 0, fmt.Errorf("server: metric %s: %w", name, err)
			}
			return v, nil
		}
	}
	return 0, fmt.Errorf("server: there is no metric %s", name)
}
