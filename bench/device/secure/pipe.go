package secure

import (
	"bytes"
	"net"
	"os"
	"sync"
	"time"

	"dormouse/codec/dtlsrec"
)

// maxSealed bounds the records of the peer that are kept for the audit: its
// Finished, and repetitions of it.
const maxSealed = 16

// pipe is the socket that pion believes to have.
type pipe struct {
	send     func(datagram []byte)
	received <-chan []byte
	cidLen   int // of ours

	closed    chan struct{}
	closeOnce sync.Once

	mu        sync.Mutex // guards what follows; send is called under it
	over      bool       // nothing more is sent
	holds     bool       // the flight that begins with ChangeCipherSpec is not sent
	held      []byte     // that flight
	sealed    [][]byte   // records of the peer in epoch 1
	alert     *dtlsrec.Alert
	interrupt chan struct{} // closed while the read deadline has passed
}

func newPipe(send func([]byte), received <-chan []byte, cidLen int) *pipe {
	return &pipe{
		send: send, received: received, cidLen: cidLen,
		closed: make(chan struct{}), interrupt: make(chan struct{}),
	}
}

// ReadFrom gives pion the next datagram, and keeps what the Link wants to know.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	p.mu.Lock()
	interrupt := p.interrupt
	p.mu.Unlock()
	select {
	case datagram, more := <-p.received:
		if !more {
			return 0, nil, net.ErrClosed
		}
		p.look(datagram)
		return copy(b, datagram), nowhere, nil
	case <-interrupt:
		return 0, nil, os.ErrDeadlineExceeded
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

// look keeps sealed records, and the alert that says why the peer gave up.
func (p *pipe) look(datagram []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(datagram) > 0 {
		h, fragment, rest, err := dtlsrec.ParseHeader(datagram, p.cidLen)
		if err != nil {
			return
		}
		record := datagram[:len(datagram)-len(rest)]
		datagram = rest
		switch {
		case h.Epoch > 0 && len(p.sealed) < maxSealed:
			p.sealed = append(p.sealed, bytes.Clone(record))
		case h.Epoch == 0 && h.Type == dtlsrec.TypeAlert:
			if a, err := dtlsrec.ParseAlert(fragment); err == nil && a.Ends() {
				p.alert = &a
			}
		}
	}
}

// WriteTo sends, until mute.
func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
	case p.holds && dtlsrec.ContentType(b[0]) == dtlsrec.TypeChangeCipherSpec:
		p.held = bytes.Clone(b)
	default:
		p.send(b)
	}
	return len(b), nil
}

// mute swallows all that pion writes from now on.
func (p *pipe) mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

// heard is what look kept.
func (p *pipe) heard() (sealed [][]byte, alert *dtlsrec.Alert) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sealed, p.alert
}

// SetReadDeadline knows the two that pion uses: long ago, to interrupt a read,
// and never.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.interrupt:
		if t.IsZero() {
			p.interrupt = make(chan struct{})
		}
	default:
		if !t.IsZero() {
			close(p.interrupt)
		}
	}
	return nil
}

func (p *pipe) Close() error {
	p.closeOnce.Do(func() { close(p.closed) })
	return nil
}

func (p *pipe) SetDeadline(t time.Time) error    { return p.SetReadDeadline(t) }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil } // writes do not block
func (p *pipe) LocalAddr() net.Addr              { return nowhere }

// nowhere is both ends' address: pion wants one, and whoever sends knows better.
var nowhere = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5684}
