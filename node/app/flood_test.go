package app_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// flood sends random datagrams: noise, noise behind the header of a message,
// and good messages with some bytes changed. Whatever comes back is an answer
// to a request, or a Reset.
type flood struct {
	conn   *net.UDPConn
	random *rand.Rand
	good   [][]byte
	bad    atomic.Int64

	mu      sync.Mutex // guards example
	example []byte
}

func newFlood(t *testing.T, server netip.AddrPort, r *rand.Rand) *flood {
	f := &flood{random: r, good: models(t, server)}
	f.conn = must[*net.UDPConn](t)(net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server)))
	var reader sync.WaitGroup
	reader.Go(f.read)
	t.Cleanup(func() {
		check(t, f.conn.Close())
		reader.Wait()
	})
	return f
}

// models are good messages of a device that there is not.
func models(t *testing.T, server netip.AddrPort) (all [][]byte) {
	c := dial(t, server)
	register := c.Registration("ghost", "b=U")
	register.Payload = nil // 4.00: a ghost never comes to life
	send := c.New(coap.Confirmable, coap.POST, "dp")
	send.AddUint(coap.OptContentFormat, uint32(lwm2m.FormatSenMLCBOR))
	send.Payload = []byte{0x81, 0xa2, 0x00, 0x63, '/', '3', '/', 0x02, 0x01}
	answer := c.New(coap.Acknowledgement, coap.Content, "")
	answer.Token, answer.Payload = []byte("12345678"), []byte("21.5")
	for _, m := range []*coap.Message{
		register, send, answer,
		c.New(coap.Confirmable, coap.POST, "rd/AAAAAAAAAAAA", "lt=60"),
		c.New(coap.NonConfirmable, coap.DELETE, "rd/bbbbbbbbbbbbbbbb"),
		c.New(coap.Confirmable, coap.GET, ".well-known/core"),
	} {
		all = append(all, must[[]byte](t)(m.Append(nil)))
	}
	return all
}

// read looks at what comes back until the socket is closed.
func (f *flood) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := f.conn.Read(buffer)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // the port was closed for a moment: the node restarts
		}
		var m coap.Message
		if err := coap.Parse(buffer[:n], &m); err != nil || m.Code.IsRequest() || m.Code == coap.Created || m.Code == coap.Deleted || m.Code == coap.Changed || m.Type == coap.Confirmable {
			f.bad.Add(1)
			f.mu.Lock()
			f.example = append(f.example[:0], buffer[:n]...)
			f.mu.Unlock()
		}
	}
}

// run sends its share of floodRate until ctx is done, and returns the number.
func (f *flood) run(ctx context.Context) (sent int64) {
	const tick = 10 * time.Millisecond
	share := floodRate / floods * int(tick) / int(time.Second)
	if raced {
		share /= 10
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return sent
		case <-ticker.C:
		}
		for range share {
			if _, err := f.conn.Write(f.datagram()); err == nil {
				sent++
			}
		}
	}
}

func (f *flood) datagram() []byte {
	r := f.random
	if r.IntN(3) > 0 {
		b := make([]byte, r.IntN(1<<r.IntN(11)+1))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if len(b) >= 4 && r.IntN(2) == 0 {
			b[0] = 0x40 | b[0]&0x38 // version 1, a token of 0 to 8 bytes
			b[1] &= 0xe7            // codes that are more often known
		}
		return b
	}
	b := append([]byte(nil), f.good[r.IntN(len(f.good))]...)
	for range 1 + r.IntN(4) {
		switch i := r.IntN(len(b)); r.IntN(3) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b = append(b[:i], b[min(i+1+r.IntN(4), len(b)):]...)
		default:
			b = append(b[:i:i], append([]byte{byte(r.Uint32())}, b[i:]...)...)
		}
		if len(b) == 0 {
			break
		}
	}
	return b
}
