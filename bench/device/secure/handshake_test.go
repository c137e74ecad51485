package secure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2"
)

func cidOf(n int) func() []byte {
	switch {
	case n < 0:
		return nil
	case n == 0:
		return dtls.OnlySendCIDGenerator()
	}
	return dtls.RandomCIDGenerator(n)
}

// A session goes on with our records in every suite, whoever asked for a
// Connection ID, and not one record of the handshake has a number of ours.
func TestHandshake(t *testing.T) {
	for _, suite := range []dtlsrec.Suite{dtlsrec.CCM8, dtlsrec.CCM, dtlsrec.GCM, dtlsrec.CBCSHA256} {
		for _, tc := range []struct {
			name   string
			o      Options
			server int // its Connection ID, -1: it knows none
			sent   int // bytes of the one that we send
		}{
			{"none", Options{NoCID: true}, 8, 0},
			{"to the server alone", Options{}, 8, 8},
			{"both ways", Options{CIDLength: 5}, 8, 8},
			{"the server has none", Options{CIDLength: 5}, -1, 0},
			{"the server asks for none", Options{CIDLength: 3}, 0, 0},
		} {
			if suite == dtlsrec.CBCSHA256 && !tc.o.NoCID {
				continue
			}
			t.Run(fmt.Sprintf("%v/%s", suite, tc.name), func(t *testing.T) {
				w := newWire()
				tc.o.Identity, tc.o.Key, tc.o.Suites = "urn:dev:1", testKey, []dtlsrec.Suite{suite}
				link, conn := mustMeet(t, w, cidOf(tc.server), tc.o)
				if link.Suite() != suite || len(link.CID()) != tc.sent {
					t.Errorf("%v, Connection ID %x", link.Suite(), link.CID())
				}
				for _, number := range sealedNumbers(w.sent, tc.server) {
					if number >= link.Sent() {
						t.Errorf("the handshake used number %d, we begin at %d", number, link.Sent())
					}
				}
				talk(t, w, link, conn)
				goodbye(t, w, link, conn)
				if link.ReusedNonces() != 0 || link.Stale() != 0 {
					t.Errorf("%d nonces reused, %d stale", link.ReusedNonces(), link.Stale())
				}
			})
		}
	}
}

// sealedNumbers are the sequence numbers of a client's records in epoch 1.
func sealedNumbers(datagrams [][]byte, cidLen int) (numbers []uint64) {
	for _, d := range datagrams {
		for len(d) > 0 {
			h, _, rest, err := dtlsrec.ParseHeader(d, max(cidLen, 0))
			if err != nil {
				break
			}
			if h.Epoch == 1 {
				numbers = append(numbers, h.Sequence)
			}
			d = rest
		}
	}
	return numbers
}

// Flights that are lost are repeated, and what is repeated is no reused nonce.
func TestHandshakeWithLoss(t *testing.T) {
	for seed := range uint64(25) {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			w.lose = lossy(seed)
			link, conn := mustMeet(t, w, cidOf(8), Options{Identity: "urn:dev:1", Key: testKey})
			synctest.Wait()
			w.mu.Lock()
			w.lose = nil
			w.mu.Unlock()
			talk(t, w, link, conn)
			if link.ReusedNonces() != 0 || link.Stale() != 0 {
				t.Errorf("seed %d: %d nonces reused, %d stale", seed, link.ReusedNonces(), link.Stale())
			}
			goodbye(t, w, link, conn)
			conn.Close()
		})
	}
}

// What the server does not accept is told at once, and by its alert.
func TestRefused(t *testing.T) {
	w := newWire()
	_, _, err := meet(t, w, nil, Options{Identity: "stranger", Key: testKey})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "stranger") || strings.Contains(err.Error(), string(testKey)) {
		t.Errorf("%v", err)
	}
}

// Nothing of pion's is left where nobody answers.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		sent := 0
		_, err := Handshake(ctx, func([]byte) { sent++ }, make(chan []byte), Options{Identity: "a", Key: testKey, Interval: 3 * time.Second})
		if !errors.Is(err, context.DeadlineExceeded) || sent != 4 {
			t.Errorf("%d flights, %v", sent, err)
		}
	})
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no identity":   {Key: testKey},
		"no key":        {Identity: "a"},
		"no suites":     {Identity: "a", Key: testKey, Suites: []dtlsrec.Suite{}},
		"unknown suite": {Identity: "a", Key: testKey, Suites: []dtlsrec.Suite{1}},
		"CBC with CID":  {Identity: "a", Key: testKey, Suites: []dtlsrec.Suite{dtlsrec.CBCSHA256}},
		"none, but 4":   {Identity: "a", Key: testKey, NoCID: true, CIDLength: 4},
		"too long":      {Identity: "a", Key: testKey, CIDLength: 256},
		"interval":      {Identity: "a", Key: testKey, Interval: -1},
		"memory":        {Identity: "a", Key: testKey, Memory: -1},
	} {
		if _, err := Handshake(t.Context(), nil, nil, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDeriveKey(t *testing.T) {
	a := DeriveKey("seed", "a")
	if len(a) != KeyLength || !bytes.Equal(a, DeriveKey("seed", "a")) {
		t.Errorf("%x", a)
	}
	for _, other := range [][2]string{{"seed", "b"}, {"seeda", ""}, {"see", "da"}} {
		if bytes.Equal(a, DeriveKey(other[0], other[1])) {
			t.Errorf("%q has the same key", other)
		}
	}
}

func TestCredentials(t *testing.T) {
	c := Credentials{Seed: "s"}.Of("dev")
	if c.Endpoint != "dev" || c.Identity != "dev" || !bytes.Equal(c.Key, DeriveKey("s", "dev")) {
		t.Errorf("%+v", c)
	}
	c = Credentials{Identity: "psk:{endpoint}:1", Key: testKey}.Of("dev")
	if c.Endpoint != "dev" || c.Identity != "psk:dev:1" || !bytes.Equal(c.Key, testKey) {
		t.Errorf("%+v", c)
	}
}
