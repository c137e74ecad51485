package dtlsfront

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/dtlsrec"

	"github.com/pion/dtls/v2"
)

// inBubble runs a scenario in virtual time. What of pion is left over at its
// end, the bubble finds.
func inBubble(t *testing.T, change func(*network, *Options), scenario func(t *testing.T, n *network)) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, change)
		scenario(t, n)
		n.front.Close()
		if n.front.HalfOpen() != 0 || len(n.front.handshakes) != 0 || len(n.front.admission.prefixes) != 0 && len(n.failed) == 0 {
			t.Errorf("after Close: %d half-open, %d handshakes, prefixes %v", n.front.HalfOpen(), len(n.front.handshakes), n.front.admission.prefixes)
		}
	})
}

func TestEverySuiteAndExtension(t *testing.T) {
	suites := map[dtls.CipherSuiteID]dtlsrec.Suite{
		dtls.TLS_PSK_WITH_AES_128_CCM_8: dtlsrec.CCM8, dtls.TLS_PSK_WITH_AES_128_CCM: dtlsrec.CCM,
		dtls.TLS_PSK_WITH_AES_128_GCM_SHA256: dtlsrec.GCM, dtls.TLS_PSK_WITH_AES_128_CBC_SHA256: dtlsrec.CBCSHA256,
	}
	for id, suite := range suites {
		for _, master := range []dtls.ExtendedMasterSecretType{dtls.RequireExtendedMasterSecret, dtls.DisableExtendedMasterSecret} {
			for peer := -1; peer <= 5; peer += 3 { // length of the client's CID: none at all, 2, 5
				if peer >= 0 && suite == dtlsrec.CBCSHA256 {
					continue // pion's MAC of tls12_cid records has the content twice, RFC 9146 section 5.1 once
				}
				t.Run(fmt.Sprintf("%v,ems=%d,cid=%d", suite, master, peer), func(t *testing.T) {
					c := clientConfig("device-1", testKey, id)
					c.ExtendedMasterSecret = master
					if peer >= 0 {
						c.ConnectionIDGenerator = dtls.RandomCIDGenerator(peer)
					}
					testHandshake(t, c, suite, max(0, peer), peer >= 0)
				})
			}
		}
	}
	t.Run("empty peer CID", func(t *testing.T) {
		c := clientConfig("device-1", testKey)
		c.ConnectionIDGenerator = dtls.OnlySendCIDGenerator()
		testHandshake(t, c, dtlsrec.CCM8, 0, true)
	})
}

func testHandshake(t *testing.T, c *dtls.Config, suite dtlsrec.Suite, peerCID int, hasCID bool) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		path := pathOf(1)
		conn, err := n.settled(path, c, time.Minute)
		if err != nil {
			t.Fatalf("%v; failed %+v, refused %v", err, n.failed, n.refused)
		}
		defer conn.Close()
		if err := n.echo(conn, "good morning"); err != nil {
			t.Error(err)
		}
		n.front.mu.Lock()
		if len(n.front.finals) != 0 || len(n.front.handshakes) != 0 {
			t.Errorf("a client that uses its session leaves %d last flights, %d handshakes", len(n.front.finals), len(n.front.handshakes))
		}
		n.front.mu.Unlock()
		s := n.sessions[path]
		if s.Secrets.Suite != suite || s.HasCID != hasCID || len(s.PeerCID) != peerCID || s.NextSequence != 1 || s.ReceivedSequence != 0 ||
			string(s.Identity) != "device-1" || s.Endpoint != "ep-device-1" || s.Serial != 7 || s.Path != path {
			t.Errorf("established %+v", s.Established)
		}
		client := conn.ConnectionState()
		if random := client.RemoteRandomBytes(); !bytes.Equal(s.Secrets.ServerRandom[4:], random[:]) {
			t.Error("the server's random is another")
		}
	})
}

// A client whose first suite is none of ours, and whose CID is not wanted.
func TestServerWithoutCID(t *testing.T) {
	inBubble(t, func(_ *network, o *Options) { o.NewCID = nil }, func(t *testing.T, n *network) {
		c := clientConfig("device-1", testKey, dtls.TLS_PSK_WITH_AES_256_CCM_8, dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)
		c.ConnectionIDGenerator = dtls.RandomCIDGenerator(4)
		conn, err := n.settled(pathOf(1), c, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := n.echo(conn, "good morning"); err != nil {
			t.Error(err)
		}
		if s := n.sessions[pathOf(1)]; s.HasCID || s.PeerCID != nil || s.Secrets.Suite != dtlsrec.GCM {
			t.Errorf("established %+v", s.Established)
		}
	})
}

// 200 handshakes at the same time where each fifth datagram is lost; then an
// exchange over each session.
func TestLossyNetwork(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	inBubble(t, func(n *network, _ *Options) { n.lose = dropping(seed, 20) }, func(t *testing.T, n *network) {
		var wait sync.WaitGroup
		for i := range 200 {
			c := clientConfig(fmt.Sprintf("device-%d", i), testKey)
			switch i % 3 {
			case 1:
				c.ConnectionIDGenerator = dtls.RandomCIDGenerator(i % 7)
			case 2:
				c.ConnectionIDGenerator = dtls.OnlySendCIDGenerator()
			}
			wait.Go(func() {
				conn, err := n.dial(pathOf(i), c, 5*time.Minute)
				if err != nil {
					t.Errorf("seed %d: client %d: %v", seed, i, err)
					return
				}
				defer conn.Close()
				if err := n.echo(conn, "good morning"); err != nil {
					t.Errorf("seed %d: client %d: %v", seed, i, err)
				}
			})
		}
		wait.Wait()
		synctest.Wait()
		n.mu.Lock()
		defer n.mu.Unlock()
		for path, s := range n.sessions {
			if s.NextSequence != 1 {
				t.Errorf("seed %d: %v: goes on with record %d", seed, path.Peer, s.NextSequence)
			}
		}
		if len(n.sessions) != 200 || len(n.done) != 200 {
			t.Errorf("seed %d: %d sessions, %d done; failed %+v", seed, len(n.sessions), len(n.done), n.failed)
		}
	})
}

// isFinal recognises our last flight.
func isFinal(datagram []byte) bool { return datagram[0] == byte(dtlsrec.TypeChangeCipherSpec) }

func TestFinalFlightWaitsForCommit(t *testing.T) {
	inBubble(t, func(n *network, _ *Options) { n.hold = true }, func(t *testing.T, n *network) {
		path := pathOf(1)
		n.settled(path, clientConfig("device-1", testKey), 5*time.Second)
		for _, d := range n.sent(path) {
			if isFinal(d) {
				t.Fatal("the last flight left before the commit")
			}
		}
		if n.front.HalfOpen() != 1 || len(n.held) != 1 {
			t.Fatalf("%d half-open, %d commits", n.front.HalfOpen(), len(n.held))
		}
		n.held[0](nil)
		n.held[0](nil) // a second time is nothing
		n.held[0](errors.New("nor is this"))
		all := n.sent(path)
		if !isFinal(all[len(all)-1]) || isFinal(all[len(all)-2]) || n.front.HalfOpen() != 0 || len(n.done) != 1 || len(n.failed) != 0 {
			t.Errorf("sent % x; done %+v, failed %+v", all, n.done, n.failed)
		}
		// The nonce of the Finished is its epoch and number.
		if _, finished, _, err := dtlsrec.ParseHeader(all[len(all)-1][dtlsrec.HeaderLen+1:], 0); err != nil || binary.BigEndian.Uint64(finished) != 1<<48 {
			t.Errorf("Finished % x, %v", finished, err)
		}
	})
}

func TestCommitFails(t *testing.T) {
	inBubble(t, func(n *network, _ *Options) { n.hold = true }, func(t *testing.T, n *network) {
		path, broken := pathOf(1), errors.New("no disk")
		var wait sync.WaitGroup
		wait.Go(func() {
			if conn, err := n.dial(path, clientConfig("device-1", testKey), time.Minute); err == nil {
				conn.Close()
				t.Error("the client has a session that is not stored")
			}
		})
		synctest.Wait()
		n.held[0](broken)
		wait.Wait()
		all := n.sent(path)
		if last := all[len(all)-1]; last[0] != byte(dtlsrec.TypeAlert) || last[len(last)-1] != byte(dtlsrec.InternalError) {
			t.Errorf("sent % x", last)
		}
		if len(n.failed) != 1 || n.failed[0].Kind != NotCommitted || n.failed[0].Err != broken {
			t.Errorf("failed %+v", n.failed)
		}
		n.held[0](nil)
		if len(n.sent(path)) != len(all) {
			t.Error("something was sent after the failure")
		}
	})
}

// A commit that comes after its handshake has timed out releases nothing.
func TestCommitTooLate(t *testing.T) {
	inBubble(t, func(n *network, _ *Options) { n.hold = true }, func(t *testing.T, n *network) {
		n.settled(pathOf(1), clientConfig("device-1", testKey), 2*time.Minute)
		before := len(n.sent(pathOf(1)))
		n.held[0](nil)
		if len(n.failed) != 1 || n.failed[0].Kind != TimedOut || len(n.done) != 0 || len(n.sent(pathOf(1))) != before {
			t.Errorf("failed %+v, done %+v", n.failed, n.done)
		}
	})
}

// The client loses our last flight three times, repeats its own, and gets the
// same bytes each time; after Timeout nothing is left.
func TestRepeatedFinished(t *testing.T) {
	for _, cid := range []bool{false, true} {
		losses := 0
		var fromClient [][]byte
		var finals []string
		inBubble(t, func(n *network, _ *Options) {
			n.lose = func(toClient bool, d []byte) bool {
				if !toClient {
					fromClient = append(fromClient, bytes.Clone(d))
				} else if isFinal(d) {
					finals = append(finals, string(d))
					losses++
					return losses <= 3
				}
				return false
			}
		}, func(t *testing.T, n *network) {
			c := clientConfig("device-1", testKey)
			if cid {
				c.ConnectionIDGenerator = dtls.RandomCIDGenerator(4)
			}
			conn, err := n.settled(pathOf(1), c, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if len(finals) != 4 || finals[0] != finals[1] || finals[1] != finals[2] || finals[2] != finals[3] || len(n.done) != 1 {
				t.Errorf("cid %v: last flights %x, done %+v", cid, finals, n.done)
			}
			last := fromClient[len(fromClient)-1]
			n.receive(pathOf(1), last)
			if len(finals) != 5 {
				t.Error("not repeated once more")
			}
			<-time.After(maxTimeout + time.Second)
			synctest.Wait()
			n.front.Receive(pathOf(1), last)
			if len(finals) != 5 || n.refused[Stray] != 1 || len(n.front.handshakes) != 0 {
				t.Errorf("after the timeout: %d last flights, refused %v, %d kept", len(finals), n.refused, len(n.front.handshakes))
			}
		})
	}
}

// When the client uses its session, nothing is kept for it any more.
func TestFirstUplinkForgetsFinal(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		conn, err := n.settled(pathOf(1), clientConfig("device-1", testKey), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if len(n.front.handshakes) != 1 {
			t.Fatal("no last flight is kept")
		}
		if err := n.echo(conn, "good morning"); err != nil || len(n.front.handshakes) != 0 {
			t.Errorf("%v, %d kept", err, len(n.front.handshakes))
		}
	})
}

// What of a handshake is kept for repetition has an end in number, too.
func TestMaxFinal(t *testing.T) {
	inBubble(t, func(_ *network, o *Options) { o.MaxFinal = 2 }, func(t *testing.T, n *network) {
		for i := range 5 {
			conn, err := n.settled(pathOf(i), clientConfig("device-1", testKey), time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		n.front.mu.Lock()
		defer n.front.mu.Unlock()
		if len(n.front.finals) != 2 || len(n.front.handshakes) != 2 || n.front.handshakes[pathOf(4)] == nil || n.front.handshakes[pathOf(3)] == nil {
			t.Errorf("%d last flights, %v", len(n.front.finals), n.front.handshakes)
		}
	})
}

// Clients that restart on the same port, with a session alive there.
func TestNewHandshakeOnTheSamePath(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		for i := range 3 {
			conn, err := n.settled(pathOf(1), clientConfig(fmt.Sprintf("device-%d", i), testKey), time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if i > 0 { // the third comes at once, the second after an exchange
				continue
			}
			if err := n.echo(conn, "good morning"); err != nil {
				t.Error(err)
			}
		}
		if len(n.done) != 3 || len(n.failed) != 0 || n.sessions[pathOf(1)].Endpoint != "ep-device-2" {
			t.Errorf("done %+v, failed %+v", n.done, n.failed)
		}
	})
}

// A client that begins anew in the middle of a handshake.
func TestHandshakeReplaced(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, n *network) {
		n.mu.Lock()
		n.lose = func(toClient bool, d []byte) bool { return toClient && bytes.Contains(d, []byte{14, 0, 0, 0, 0, 2}) } // ServerHelloDone
		n.mu.Unlock()
		n.settled(pathOf(1), clientConfig("device-1", testKey), 3*time.Second)
		n.mu.Lock()
		n.lose = nil
		n.mu.Unlock()
		conn, err := n.settled(pathOf(1), clientConfig("device-2", testKey), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if len(n.failed) != 1 || n.failed[0].Kind != Replaced || len(n.done) != 1 {
			t.Errorf("failed %+v, done %+v", n.failed, n.done)
		}
	})
}
