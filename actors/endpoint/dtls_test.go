package endpoint

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cockroachdb/datadriven"

	"dormouse/actors/session"
	"dormouse/codec/coap"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// plainSeal seals nothing: what it stores can be read. Texts belong to their place.
type plainSeal struct{ generation byte }

func (p *plainSeal) Seal(dst, text, data []byte) []byte {
	return append(append(append(dst, p.generation, byte(len(data))), data...), text...)
}

func (p *plainSeal) Open(dst, sealed, data []byte) ([]byte, error) {
	if len(sealed) < 2+len(data) || !bytes.Equal(sealed[2:2+len(data)], data) {
		return dst, fmt.Errorf("plainSeal: not of this place")
	}
	return append(dst, sealed[2+len(data):]...), nil
}

func (p *plainSeal) Current(sealed []byte) bool { return sealed[0] == p.generation }

// secured is the device's end of a DTLS session.
type secured struct {
	cipher *dtlsrec.Cipher
	local  []byte // what its records carry
	own    int    // length of the Connection ID that it gave out
	next   uint64
	sent   [][]byte // all datagrams
}

// handshake establishes a session with what a handshake leaves.
func (w *world) handshake(peer string, cid bool, serial uint64) {
	w.start()
	w.sessions++
	e := session.Established{
		Secrets:  dtlsrec.Secrets{Suite: dtlsrec.CCM8, Master: bytes.Repeat([]byte{byte(w.sessions)}, 48)},
		Identity: "psk-1", Sent: 1, Window: dtlsrec.FullWindow(0),
	}
	d := &secured{next: 1}
	if cid {
		e.Local, e.HasLocal = w.env.Key.NewCID(2, uint32(w.sessions)), true
		e.Peer, d.local, d.own = []byte{7}, e.Local[:], 1
	}
	s, err := session.New(e)
	if err != nil {
		w.t.Fatal(err)
	}
	if d.cipher, err = dtlsrec.NewCipher(e.Secrets, false); err != nil {
		w.t.Fatal(err)
	}
	if c, found, _ := w.e.credentials(); found {
		serial += c.Serial
	}
	w.handle(&Establish{Session: s, Path: pathTo(peer), Serial: serial, Reply: func(err error) {
		w.printf("reply: %v", err)
		if err == nil {
			w.device = d
		}
	}})
}

func pathTo(peer string) wire.ReturnPath {
	return wire.ReturnPath{Peer: netip.MustParseAddrPort(peer), Local: netip.MustParseAddr("::1"), Listener: 128}
}

// seal makes the next record of the device.
func (d *secured) seal(t dtlsrec.ContentType, plaintext []byte) []byte {
	datagram := d.cipher.Seal(nil, t, session.Epoch, d.next, d.local, plaintext)
	d.next++
	d.sent = append(d.sent, datagram)
	return datagram
}

func (w *world) deliver(peer string, datagram []byte) {
	d := &Datagram{}
	d.TakeSealed(pathTo(peer), datagram)
	w.handle(d)
}

// opened is what a record of ours says, "" for a datagram of plain CoAP.
func (w *world) opened(payload []byte) (plaintext []byte, t dtlsrec.ContentType, sealed bool) {
	if w.device == nil || payload[0] != byte(dtlsrec.TypeCID) && payload[0] != byte(dtlsrec.TypeApplicationData) && payload[0] != byte(dtlsrec.TypeAlert) {
		return nil, 0, false
	}
	if err := w.audit.leave(payload); err != nil {
		w.printf("AUDIT: %v", err)
	}
	h, fragment, _, err := dtlsrec.ParseHeader(payload, w.device.own)
	if err == nil {
		plaintext, t, err = w.device.cipher.Open(nil, h, fragment)
	}
	if err != nil {
		return []byte{}, 0, true // of an older session
	}
	return plaintext, t, true
}

// send prints what leaves.
func (w *world) sends(s Send) {
	payload := s.Payload
	to := ""
	if plaintext, t, sealed := w.opened(payload); sealed {
		if peer := s.Path.Peer.String(); peer != w.peer {
			to = " to=" + peer
		}
		switch {
		case len(plaintext) == 0:
			w.printf("send a record that the device cannot open%s", to)
			return
		case t == dtlsrec.TypeAlert:
			a, _ := dtlsrec.ParseAlert(plaintext)
			w.printf("send alert %s%s", a.Description, to)
			return
		}
		payload = plaintext
		to = " sealed" + to
	}
	var m coap.Message
	if err := coap.Parse(payload, &m); err != nil {
		w.t.Fatalf("sent % x: %v", payload, err)
	}
	w.printf("send %s", w.message(&m)+w.again(&m)+to)
}

// secure plays DTLS, see TestScenarios.
func (w *world) secure(d *datadriven.TestData) bool {
	peer := w.peer
	d.MaybeScanArgs(w.t, "from", &peer)
	switch d.Cmd {
	case "credentials":
		key := "00"
		d.MaybeScanArgs(w.t, "key", &key)
		raw, _ := hex.DecodeString(key)
		until := w.now
		if d.HasArg("late") {
			until = w.now.Add(-1)
		}
		w.handle(&SetCredentials{Endpoint: testName, Identity: "psk-1", Key: raw, Replace: d.HasArg("replace"), Until: until,
			Reply: func(before string, err error) { w.printf("reply: %q %v", before, err) }})
	case "withdraw":
		w.handle(&DropCredentials{Reply: func(identity string, err error) { w.printf("reply: %q %v", identity, err) }})
	case "handshake":
		serial := 0
		d.MaybeScanArgs(w.t, "serial", &serial)
		w.handshake(peer, !d.HasArg("nocid"), uint64(serial))
	case "sealed":
		w.sealedLines(d, peer)
	case "replay":
		for _, datagram := range w.device.sent {
			w.deliver(peer, datagram)
		}
	case "late": // the record before the last one, again or for the first time
		n := 2
		d.MaybeScanArgs(w.t, "n", &n)
		w.deliver(peer, w.device.sent[len(w.device.sent)-n])
	case "forge":
		datagram := w.device.seal(dtlsrec.TypeApplicationData, []byte("x"))
		datagram[len(datagram)-1] ^= 1
		w.deliver(peer, datagram)
	case "alert":
		w.deliver(peer, w.device.seal(dtlsrec.TypeAlert, dtlsrec.Alert{Level: dtlsrec.Warning, Description: dtlsrec.CloseNotify}.Append(nil)))
	case "rotate":
		w.env.Seal.(*plainSeal).generation++
		w.handle(&Reseal{Reply: func(err error) { w.printf("reply: %v", err) }})
	default:
		return false
	}
	return true
}

// sealedLines sends messages; with `keep` they are sealed and do not arrive, with
// `together` they are one datagram.
func (w *world) sealedLines(d *datadriven.TestData, peer string) {
	var together []byte
	for _, line := range strings.Split(strings.TrimSpace(d.Input), "\n") {
		var plain []byte
		if raw, isHex := strings.CutPrefix(line, "hex:"); isHex {
			plain, _ = hex.DecodeString(raw)
		} else {
			plain, _ = w.parseMessage(line).Append(nil)
		}
		datagram := w.device.seal(dtlsrec.TypeApplicationData, plain)
		switch {
		case d.HasArg("keep"):
		case d.HasArg("together"):
			together = append(together, datagram...)
		default:
			w.deliver(peer, datagram)
		}
	}
	if together != nil {
		w.deliver(peer, together)
	}
}

// another is a location of an endpoint that is not this one.
func another() string { return ids.Location{Endpoint: 1, Count: 1}.String() }
