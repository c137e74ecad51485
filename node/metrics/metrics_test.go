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
	"sync"
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
	l.Datagrams(Datagrams{Received, 3, 120})
	l.Datagrams(Datagrams{Sent, 2, 40})
	l.Datagrams(Datagrams{Received, 1, 5})
	l.Fault(Fault{Kind: "coap_malformed"})
	l.Fault(Fault{Kind: "coap_malformed", Count: 4})
	l.Fault(Fault{Kind: "token_unknown"})
	l.Registration(Registration{Kind: Registered, Endpoint: "urn:a"})
	l.Registration(Registration{Kind: Expired, Endpoint: "urn:a"})
	l.Operation(Operation{Status: "SUCCESSFUL"})
	l.Commit(Commit{Batches: 7, Bytes: 900, Duration: time.Millisecond})
	l.Commit(Commit{Batches: 2, Err: errors.New("no space")})
	l.Request(Request{"GET", "/inventory/managedObjects/{id}", 404, time.Millisecond})
	l.Request(Request{"GET", "", 421, time.Millisecond})
	expect(t, scrape(t, r), map[string]string{
		`dormouse_datagrams_total{direction="received"}`:                                                 "4",
		`dormouse_datagrams_total{direction="sent"}`:                                                     "2",
		`dormouse_datagram_bytes_total{direction="received"}`:                                            "125",
		`dormouse_errors_total{kind="coap_malformed"}`:                                                   "5",
		`dormouse_errors_total{kind="token_unknown"}`:                                                    "1",
		`dormouse_registrations_total{kind="registered"}`:                                                "1",
		`dormouse_registrations_total{kind="expired"}`:                                                   "1",
		`dormouse_operations_total{status="SUCCESSFUL"}`:                                                 "1",
		`dormouse_commits_total`:                                                                         "1",
		`dormouse_commit_batches_total`:                                                                  "7",
		`dormouse_commit_bytes_total`:                                                                    "900",
		`dormouse_commit_failures_total`:                                                                 "1",
		`dormouse_commit_seconds_count`:                                                                  "1",
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
	for _, awake = range []float64{1, 41} {
		expect(t, scrape(t, r), map[string]string{
			"dormouse_awake_endpoints":    fmt.Sprint(awake),
			"dormouse_kernel_drops_total": fmt.Sprint(2 * awake),
		})
	}
	if series := scrape(t, r); series["go_goroutines"] == "" || series["process_start_time_seconds"] == "" {
		t.Error("the runtime's own metrics are missing")
	}
}

func TestKindsAreBounded(t *testing.T) {
	r := New()
	l := r.Listener()
	var wg sync.WaitGroup
	const writers, each = 4, 3 * maxKinds
	for range writers {
		wg.Go(func() {
			for i := range each {
				l.Fault(Fault{Kind: fmt.Sprint("kind", i)})
			}
		})
	}
	wg.Wait()
	series, total := 0, 0
	for name, value := range scrape(t, r) {
		if strings.HasPrefix(name, "dormouse_errors_total") {
			series++
			var n int
			fmt.Sscan(value, &n)
			total += n
		}
	}
	if series > maxKinds+1 || total != writers*each {
		t.Errorf("%d series with %d faults, want at most %d with %d", series, total, maxKinds+1, writers*each)
	}
}

func TestTeeTellsBothInOrder(t *testing.T) {
	var told []string
	listener := func(name string) Listener {
		return Listener{
			Fault:  func(f Fault) { told = append(told, name+" "+f.Kind) },
			Commit: func(Commit) { told = append(told, name+" commit") },
		}
	}
	l := Tee(Tee(Listener{}, listener("a")), Tee(listener("b"), Listener{})).Complete()
	l.Fault(Fault{Kind: "x"})
	l.Commit(Commit{})
	l.Datagrams(Datagrams{})
	l.Registration(Registration{})
	l.Operation(Operation{})
	l.Request(Request{})
	if got, want := strings.Join(told, ","), "a x,b x,a commit,b commit"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestLogger(t *testing.T) {
	emit := func(level slog.Level) string {
		var out bytes.Buffer
		l := Logger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))).Complete()
		l.Fault(Fault{Kind: "coap_malformed", Detail: errors.New("marker without payload")})
		l.Registration(Registration{Updated, "urn:a"})
		l.Operation(Operation{"FAILED", "urn:a"})
		l.Request(Request{"PUT", "/x", 200, time.Second})
		l.Commit(Commit{Batches: 1})
		l.Commit(Commit{Batches: 3, Err: errors.New("no space left")})
		l.Datagrams(Datagrams{Received, 1, 1})
		return out.String()
	}
	verbose := emit(slog.LevelDebug)
	for _, want := range []string{
		`msg=refused kind=coap_malformed count=1 err="marker without payload"`,
		`msg=registration kind=updated endpoint=urn:a`,
		`msg=operation status=FAILED endpoint=urn:a`,
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
