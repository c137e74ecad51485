package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// scrape is what a Prometheus server reads, by the name and labels of a series.
func scrape(t *testing.T, r *Registry) map[string]string {
	t.Helper()
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("scrape: %d %v", resp.StatusCode, err)
	}
	series := map[string]string{}
	for line := range strings.Lines(string(body)) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			series[line[:i]] = strings.TrimSpace(line[i+1:])
		}
	}
	return series
}

func expect(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %q, want %q", name, got[name], value)
		}
	}
}

func TestEventsAreCounted(t *testing.T) {
	r := New()
	l := r.Listener()
	l.Commit(Commit{Batches: 7, Bytes: 900, Duration: time.Millisecond})
	l.Commit(Commit{Batches: 2, Err: errors.New("no space")})
	l.Request(Request{"GET", "/inventory/managedObjects/{id}", 404, time.Millisecond})
	l.Request(Request{"GET", "", 421, time.Millisecond})
	expect(t, scrape(t, r), map[string]string{
		`dormouse_commits_total`:         "1",
		`dormouse_commit_batches_total`:  "7",
		`dormouse_commit_bytes_total`:    "900",
		`dormouse_commit_failures_total`: "1",
		`dormouse_commit_seconds_count`:  "1",
		`dormouse_http_requests_total{method="GET",route="/inventory/managedObjects/{id}",status="404"}`: "1",
		`dormouse_http_requests_total{method="GET",route="none",status="421"}`:                           "1",
		`dormouse_http_request_seconds_count{method="GET",route="none"}`:                                 "1",
	})
}

func TestValuesAreReadAtTheScrape(t *testing.T) {
	r := New()
	awake := 0.0
	r.Gauge("awake_endpoints", "Endpoints in memory.", func() float64 { return awake })
	r.Counter("kernel_drops_total", "Datagrams that the kernel dropped.", func() float64 { return 2 * awake })
	r.CounterOf("coap_faults_total", "Datagrams that no endpoint took.", "kind", "ping", func() float64 { return 3 * awake })
	r.CounterOf("coap_faults_total", "Datagrams that no endpoint took.", "kind", "stray", func() float64 { return 4 * awake })
	for _, awake = range []float64{1, 41} {
		expect(t, scrape(t, r), map[string]string{
			"dormouse_awake_endpoints":                 fmt.Sprint(awake),
			"dormouse_kernel_drops_total":              fmt.Sprint(2 * awake),
			`dormouse_coap_faults_total{kind="ping"}`:  fmt.Sprint(3 * awake),
			`dormouse_coap_faults_total{kind="stray"}`: fmt.Sprint(4 * awake),
		})
	}
	if series := scrape(t, r); series["go_goroutines"] == "" || series["process_start_time_seconds"] == "" {
		t.Error("the runtime's own metrics are missing")
	}
}

func TestTeeTellsBothInOrder(t *testing.T) {
	var told []string
	listener := func(name string) Listener {
		return Listener{
			Commit:  func(Commit) { told = append(told, name+" commit") },
			Request: func(r Request) { told = append(told, name+" "+r.Method) },
		}
	}
	l := Tee(Tee(Listener{}, listener("a")), Tee(listener("b"), Listener{})).Complete()
	l.Commit(Commit{})
	l.Request(Request{Method: "GET"})
	if got, want := strings.Join(told, ","), "a commit,b commit,a GET,b GET"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestLogger(t *testing.T) {
	emit := func(level slog.Level) string {
		var out bytes.Buffer
		l := Logger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))).Complete()
		l.Request(Request{"PUT", "/x", 200, time.Second})
		l.Commit(Commit{Batches: 1})
		l.Commit(Commit{Batches: 3, Err: errors.New("no space left")})
		return out.String()
	}
	verbose := emit(slog.LevelDebug)
	for _, want := range []string{
		`msg=request method=PUT route=/x status=200 took=1s`,
		`level=ERROR msg="the store refused a write" batches=3 err="no space left"`,
	} {
		if !strings.Contains(verbose, want) {
			t.Errorf("no line with %s in\n%s", want, verbose)
		}
	}
	if quiet := emit(slog.LevelInfo); strings.Count(quiet, "\n") != 1 {
		t.Errorf("one failed write gave\n%s", quiet)
	}
}
