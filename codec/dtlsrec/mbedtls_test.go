package dtlsrec

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// recorded is a session of testdata/mbedtls.txt.
type recorded struct {
	secrets              Secrets
	clientCID, serverCID int
	client, server       [][]byte
}

func readRecorded(t *testing.T) (all []*recorded) {
	t.Helper()
	text, err := os.ReadFile("testdata/mbedtls.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		if fields[0] == "session" {
			all = append(all, &recorded{})
		}
		r := all[len(all)-1]
		switch fields[0] {
		case "session":
			if _, err := fmt.Sscanf(line, "session %x %d %d", &r.secrets.Suite, &r.clientCID, &r.serverCID); err != nil {
				t.Fatal(err)
			}
		case "master":
			r.secrets.Master = unhex(fields[1])
		case "client_random":
			r.secrets.ClientRandom = [32]byte(unhex(fields[1]))
		case "server_random":
			r.secrets.ServerRandom = [32]byte(unhex(fields[1]))
		case "client":
			r.client = append(r.client, unhex(fields[1]))
		case "server":
			r.server = append(r.server, unhex(fields[1]))
		default:
			t.Fatalf("line %q", line)
		}
	}
	return all
}

// said is what the records hold, in their order.
var (
	clientSaid = []string{"t", "to the server, longer than a block", "\x01\x00"}
	serverSaid = []string{"to the client, longer than two blocks, too"}
)

// TestRecordsOfMbedTLS: an implementation that shares nothing with ours or with
// pion wrote the same MACs, additional data and inner plaintexts, in every
// suite, with and without Connection IDs.
func TestRecordsOfMbedTLS(t *testing.T) {
	all := readRecorded(t)
	if len(all) != 16 {
		t.Fatalf("%d sessions", len(all))
	}
	for _, r := range all {
		name := fmt.Sprintf("%v, CIDs %d and %d", r.secrets.Suite, r.clientCID, r.serverCID)
		client, server := pair(t, r.secrets)
		openRecorded(t, name+", client", server, r.client, max(r.serverCID, 0), clientSaid)
		openRecorded(t, name+", server", client, r.server, max(r.clientCID, 0), serverSaid)
	}
}

func openRecorded(t *testing.T, name string, c *Cipher, records [][]byte, cidLen int, said []string) {
	t.Helper()
	if len(records) != len(said) {
		t.Fatalf("%s: %d records", name, len(records))
	}
	for i, datagram := range records {
		h, fragment, rest, err := ParseHeader(datagram, cidLen)
		if err != nil || len(rest) > 0 || h.Sequence != uint64(i+1) || len(h.CID) != cidLen {
			t.Fatalf("%s: %+v, %v", name, h, err)
		}
		want := TypeApplicationData
		if len(said[i]) == 2 {
			want = TypeAlert
		}
		got, typ, err := c.Open(nil, h, fragment)
		if err != nil || typ != want || string(got) != said[i] {
			t.Errorf("%s, record %d: %q of %v, %v", name, i, got, typ, err)
		}
	}
}

// TestWeWriteWhatMbedTLSWrites: its explicit nonces are epoch‖sequence as ours
// are, so classic records of AEAD suites are the same to the last bit.
func TestWeWriteWhatMbedTLSWrites(t *testing.T) {
	same := 0
	for _, r := range readRecorded(t) {
		if r.secrets.Suite == CBCSHA256 || r.clientCID > 0 {
			continue // a random IV; zeros behind the content
		}
		_, server := pair(t, r.secrets)
		for i, want := range r.server {
			got := server.Seal(nil, TypeApplicationData, 1, uint64(i+1), nil, []byte(serverSaid[i]))
			if !bytes.Equal(got, want) {
				t.Errorf("%v: %x, want %x", r.secrets.Suite, got, want)
			}
			same++
		}
	}
	if same != 6 {
		t.Errorf("%d records were compared", same)
	}
}
