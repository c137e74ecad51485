package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dormouse/node/admin"
	"dormouse/node/admin/admintest"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestServerDrainsAndStops(t *testing.T) {
	entered, block := make(chan struct{}), make(chan struct{})
	s, err := admin.Start(admin.Options{Address: "127.0.0.1:0", Backend: &slow{Backend: admintest.New(), entered: entered, block: block}})
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + s.Address().String()
	if code, body := get(t, url+"/readyz"); code != 200 {
		t.Errorf("ready: %d %s", code, body)
	}
	s.Drain()
	if code, body := get(t, url+"/readyz"); code != 503 || !strings.Contains(body, "stopping") {
		t.Errorf("draining: %d %s", code, body)
	}
	// A request at work is answered before Shutdown returns.
	answered := make(chan int, 1)
	go func() {
		code, _ := get(t, url+"/devicecontrol/operations")
		answered <- code
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	<-s.Done() // takes no more connections
	close(block)
	if code := <-answered; code != 200 {
		t.Errorf("the request at work was answered %d", code)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown again: %v", err)
	}
	if _, err := http.Get(url + "/livez"); err == nil {
		t.Error("the listener still answers")
	}
}

func TestShutdownIsBounded(t *testing.T) {
	entered, block := make(chan struct{}), make(chan struct{})
	s, err := admin.Start(admin.Options{Address: "127.0.0.1:0", Backend: &slow{Backend: admintest.New(), entered: entered, block: block}})
	if err != nil {
		t.Fatal(err)
	}
	cut := make(chan error, 1)
	go func() {
		_, err := http.Get("http://" + s.Address().String() + "/devicecontrol/operations")
		cut <- err
	}()
	<-entered
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("Shutdown says that the request at work was waited for")
	}
	if err := <-cut; err == nil {
		t.Error("the request at work was not cut off")
	}
	close(block)
}

func TestStartRefusesATakenAddress(t *testing.T) {
	first, err := admin.Start(admin.Options{Address: "127.0.0.1:0", Backend: admintest.New()})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Shutdown(context.Background())
	if _, err := admin.Start(admin.Options{Address: first.Address().String(), Backend: admintest.New()}); err == nil {
		t.Error("two servers on one address")
	}
}

// TestShutdownDoesNotWaitForSpareConnections: clients open some that never ask.
func TestShutdownDoesNotWaitForSpareConnections(t *testing.T) {
	s, err := admin.Start(admin.Options{Address: "127.0.0.1:0", Backend: admintest.New()})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The server has taken the spare one when it has answered one that came later.
	resp, err := http.Get("http://" + s.Address().String() + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second) // net/http alone waits 5 s
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
