package device

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"
)

// udpServer answers registrations over a real socket, reads once from every
// device that registers, and calls full when all have answered and done when all
// have left.
type udpServer struct {
	conn *net.UDPConn
	n    int
	mids exchange.MIDs
	read map[string]string // serial numbers by address
	left map[string]bool
	full func()
	done func()
}

func (s *udpServer) run() {
	buffer := make([]byte, 2048)
	for {
		n, from, err := s.conn.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		var m coap.Message
		if coap.Parse(buffer[:n], &m) == nil {
			s.handle(&m, from)
		}
	}
}

func (s *udpServer) handle(m *coap.Message, from *net.UDPAddr) {
	switch {
	case m.Code == coap.POST && m.Path() == "rd":
		var location coap.Message
		location.AddLocation("rd/" + from.String())
		s.send(exchange.Reply(m, exchange.Answer{Code: coap.Created, Options: location.Options}, &s.mids), from)
		get := coap.Message{Code: coap.GET, MessageID: s.mids.Next(), Token: []byte{1}}
		get.AddPath("3/0/2")
		get.AddUint(coap.OptAccept, uint32(lwm2m.FormatText))
		s.send(&get, from)
	case m.Code == coap.Content:
		if s.read[from.String()] = string(m.Payload); len(s.read) == s.n {
			s.full()
		}
	case m.Code == coap.DELETE:
		s.send(exchange.Reply(m, exchange.Answer{Code: coap.Deleted}, &s.mids), from)
		if s.left[from.String()] = true; len(s.left) == s.n {
			s.done()
		}
	}
}

func (s *udpServer) send(m *coap.Message, to *net.UDPAddr) {
	if b, err := m.Append(nil); err == nil {
		_, _ = s.conn.WriteToUDP(b, to)
	}
}

// lockedBuffer is written by the fleet and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A fleet over real sockets registers, answers, tells what it did, and
// de-registers when its context ends.
func TestFleet(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	const n = 40
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // far beyond what it takes
	defer cancel()
	server := &udpServer{conn: conn, n: n, read: map[string]string{}, left: map[string]bool{}, full: cancel, done: func() {}}
	var running sync.WaitGroup
	running.Go(server.run)
	var out lockedBuffer
	o := FleetOptions{Address: conn.LocalAddr().String(), N: n, Prefix: "f", Ramp: time.Millisecond, Verbose: true, Grace: 30 * time.Second}
	if err := RunFleet(ctx, o, &out); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	serials := map[string]bool{}
	for _, serial := range server.read {
		serials[serial] = true
	}
	if len(serials) != n || !serials["f0"] || !serials["f39"] || len(server.left) != n {
		t.Errorf("%d devices answered, %d left", len(serials), len(server.left))
	}
	for _, want := range []string{"device: 40 started", "f7: registered at /rd/", "f7: served GET /3/0/2 answered 2.05", "f7: de-registered", "registered 40", "de-registered 40"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestFleetErrors(t *testing.T) {
	for name, o := range map[string]FleetOptions{
		"LwM2M 3.0":   {Options: Options{Version: lwm2m.Version{Major: 3}}},
		"find server": {Address: "nowhere:port"},
	} {
		if err := RunFleet(t.Context(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want one about %q", err, name)
		}
	}
}

// The options that cannot be, and what they are told.
func TestOptions(t *testing.T) {
	tests := []struct {
		options Options
		want    string // in the error
	}{
		{Options{Version: lwm2m.Version{Major: 2}}, "none of 1.0"},
		{Options{Binding: "UQ"}, "no binding"},
		{Options{Binding: "X"}, "no binding"},
		{Options{Version: lwm2m.V1_0, Binding: "T"}, "no binding"},
		{Options{Every: time.Microsecond}, "millisecond"},
		{Options{Awake: -1}, "positive"},
		{Options{BlockSize: 8}, "blocks of 8"},
		{Options{BlockSize: 2048}, "blocks of 2048"},
		{Options{Root: "lwm2m"}, "root"},
		{Options{Root: "/lwm2m/"}, "root"},
		{Options{Objects: []uint16{3, 4711}}, "no object 4711"},
		{Options{Version: lwm2m.V1_0, Send: Report{Paths: list("/3")}}, "no Send"},
		{Options{Send: Report{Paths: list("/3"), Format: tlv}}, "no format of a Send"},
		{Options{Send: Report{Paths: list("/3"), History: 1000}}, "at most"},
	}
	for _, test := range tests {
		if _, err := NewProduct(test.options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.options, err, test.want)
		}
	}
	w := meet(t, Options{Objects: []uint16{4}})
	if got := string(w.seen[0].body); got != "</1/0>,</3/0>,</4/0>" {
		t.Errorf("registered %s", got)
	}
}

// Ten thousand devices fit into a process: a registered one with an observation
// takes at most 20 KB.
func TestMemory(t *testing.T) {
	product, err := NewProduct(Options{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 500
	clients := make([]*Client, 0, n)
	before := heapInUse()
	for i := range n {
		w := &world{t: t, random: newWorld(t, Options{}, uint64(i)).random, now: epoch, device: product.Client("dev", uint64(i), epoch)}
		w.run(time.Second)
		w.observe(plain(coap.GET, "3303/0/5700"))
		w.write("3/0/14", "+01:00")
		w.get("3/0", senmlJSON)
		clients = append(clients, w.device)
	}
	each := (heapInUse() - before) / n
	t.Logf("%d bytes each", each)
	if each > 20_000 {
		t.Errorf("%d bytes each, want at most 20 KB", each)
	}
	runtime.KeepAlive(clients)
}

// heapInUse is what is in use, garbage collected.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
