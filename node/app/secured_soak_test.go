package app_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/bench/device/secure"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/app"
)

// TestSoakSecured lets DTLS devices work among peers that replay and forge their
// records, guess Connection IDs, send noise, and begin handshakes that come to
// nothing. The devices notice nothing: no handshake more, no answer lost.
func TestSoakSecured(t *testing.T) {
	duration := soakTime(t) / 2
	seed := rand.Uint64()
	t.Logf("seed %d, for %v", seed, duration)
	words := new(complaints)
	n := start(t, settings(t.TempDir()), app.Options{
		Idle: 200 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(words, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	mice := []*mouse{
		newMouse(t, n.api, n.CoAPS()[0], "good-cid", secure.Options{}),
		newMouse(t, n.api, n.CoAPS()[0], "good-classic", secure.Options{NoCID: true}),
	}
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var workers sync.WaitGroup
	var sent atomic.Int64
	for i, m := range mice {
		record := bytes.Clone(m.sent[len(m.sent)-1])
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		conn := must[*net.UDPConn](t)(net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.server)))
		t.Cleanup(func() { check(t, conn.Close()) })
		workers.Go(func() { sent.Add(forgeries(ctx, conn, record, r)) })
	}
	workers.Go(func() { strangers(ctx, n.CoAPS()[0]) })
	rounds := 0
	for ; ctx.Err() == nil && !t.Failed(); rounds++ {
		for _, m := range mice {
			check(t, m.update())
			if rounds%20 == 0 {
				check(t, reach(n.api, m, "read /3/0/0"))
			}
		}
	}
	cancel()
	workers.Wait()
	t.Logf("%d rounds among %d datagrams", rounds, sent.Load())
	for _, m := range mice {
		if m.handshakes != 1 || m.link.ReusedNonces() != 0 {
			t.Errorf("%s: %d handshakes, %d nonces used twice", m.name, m.handshakes, m.link.ReusedNonces())
		}
	}
	if text := words.String(); text != "" {
		t.Errorf("errors were logged:\n%s", text)
	}
	for name, kind := range map[string]string{
		"not_dtls": "dormouse_coap_faults_total", "forged_cid": "dormouse_coap_faults_total", "stray": "dormouse_coap_faults_total",
		"record_refused": "dormouse_endpoint_events_total", "malformed": "dormouse_dtls_handshakes_refused_total",
		"wrong_key": "dormouse_dtls_handshakes_failed_total", "unknown_identity": "dormouse_dtls_handshakes_failed_total",
	} {
		if n.kind(t, kind, name) == 0 {
			t.Errorf("%s of %s was not counted", name, kind)
		}
	}
	if object := must[platform.ManagedObject](t)(n.api.DeviceAt(mice[0].location, mice[0].name)); string(registrationOf(t, object).Get("registered")) != "true" {
		t.Error("a device is not registered any more")
	}
}

// forgeries sends a record of a device as it is and changed, and what only looks
// like one, until ctx is done.
func forgeries(ctx context.Context, conn *net.UDPConn, record []byte, r *rand.Rand) (sent int64) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for ctx.Err() == nil {
		<-ticker.C
		for range 5 {
			if _, err := conn.Write(forgery(record, r)); err == nil {
				sent++
			}
		}
	}
	return sent
}

func forgery(record []byte, r *rand.Rand) []byte {
	b := bytes.Clone(record)
	switch r.IntN(5) {
	case 0: // as it is: from an address that is not the device's
	case 1: // its sequence number, or what it says
		b[5+r.IntN(len(b)-5)]++
	case 2: // its beginning, or with more behind it
		b = append(b[:r.IntN(len(b))], b...)
	case 3: // the head of a record, of any type and epoch, before noise
		b = noise(22+r.IntN(60), r)
		b[0], b[1], b[2], b[3], b[4] = byte(20+r.IntN(6)), 0xfe, 0xfd, 0, byte(r.IntN(3))
		head := dtlsrec.HeaderLen
		if b[0] == byte(dtlsrec.TypeCID) {
			b[11], b[12] = 0x10, b[12]&31 // of a shard that there is
			head += ids.CIDLen
		}
		b[head] = byte(dtlsrec.ClientHello)
		binary.BigEndian.PutUint16(b[head-2:], uint16(len(b)-head))
	default:
		b = noise(r.IntN(100), r)
	}
	return b
}

func noise(n int, r *rand.Rand) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// strangers make handshakes with a wrong key, and as nobody.
func strangers(ctx context.Context, server netip.AddrPort) {
	for i := 0; ctx.Err() == nil; i++ {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
		if err != nil {
			return
		}
		identity := "good-cid"
		if i%2 == 1 {
			identity = fmt.Sprintf("nobody-%d", i)
		}
		_, err = secure.Over(ctx, conn, secure.Options{Identity: identity, Key: []byte("not its key")})
		_ = errors.Join(err, conn.Close()) // that it fails is the point
	}
}
