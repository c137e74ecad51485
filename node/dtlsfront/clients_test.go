package dtlsfront

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dormouse/codec/dtlsrec"
	"dormouse/codec/wire"
)

// tool is a program that CI must have.
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed (Debian: %s)", name, debian)
	}
	t.Skipf("%s is not installed (Debian: %s)", name, debian)
	return ""
}

// listen puts a network's front behind a UDP socket on the loopback.
func listen(t *testing.T, change func(*network, *Options)) (*network, netip.AddrPort) {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	n := newNetwork(t, func(n *network, o *Options) {
		n.transmit = func(path wire.ReturnPath, b []byte) { socket.WriteToUDPAddrPort(b, path.Peer) }
		if change != nil {
			change(n, o)
		}
	})
	over := make(chan struct{})
	go func() {
		defer close(over)
		b := make([]byte, 2048)
		for {
			k, peer, err := socket.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			n.receive(wire.ReturnPath{Peer: peer}, b[:k])
		}
	}()
	t.Cleanup(func() { socket.Close(); <-over })
	return n, socket.LocalAddr().(*net.UDPAddr).AddrPort()
}

// sClient runs openssl s_client until it has printed want, or has ended.
func sClient(t *testing.T, want string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool(t, "openssl", "openssl"), append([]string{"s_client", "-dtls1_2"}, arguments...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "good morning\n")
	var all bytes.Buffer
	b := make([]byte, 4096)
	for !strings.Contains(all.String(), want) {
		k, err := out.Read(b)
		all.Write(b[:k])
		if err != nil {
			break
		}
	}
	in.Close()
	cancel()
	cmd.Wait()
	return all.String()
}

// OpenSSL is a second implementation of every suite, of the transcript with the
// cookie in it, and of the extended master secret.
func TestOpenSSLClient(t *testing.T) {
	for suite, cipher := range map[dtlsrec.Suite]string{
		dtlsrec.CCM8: "PSK-AES128-CCM8", dtlsrec.CCM: "PSK-AES128-CCM",
		dtlsrec.GCM: "PSK-AES128-GCM-SHA256", dtlsrec.CBCSHA256: "PSK-AES128-CBC-SHA256",
	} {
		t.Run(cipher, func(t *testing.T) {
			n, address := listen(t, nil)
			out := sClient(t, "GOOD MORNING", "-connect", address.String(), "-cipher", cipher+":@SECLEVEL=0",
				"-psk", hex.EncodeToString(testKey), "-psk_identity", "device-1")
			for _, want := range []string{"GOOD MORNING", "Extended master secret: yes", "Secure Renegotiation IS supported"} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in what the client printed:\n%s", want, out)
				}
			}
			n.front.Close()
			if len(n.done) != 1 || n.done[0].Suite != suite || n.done[0].CID {
				t.Errorf("done %+v, failed %+v, refused %v", n.done, n.failed, n.refused)
			}
		})
	}
}

// Its user is told at once, and the same in both cases.
func TestOpenSSLClientWithWrongCredentials(t *testing.T) {
	for identity, want := range map[string]Failure{"device-1": WrongKey, "stranger": UnknownIdentity} {
		n, address := listen(t, nil)
		out := sClient(t, "alert decrypt error", "-connect", address.String(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0",
			"-psk", "00112233445566778899aabbccddeeff", "-psk_identity", identity)
		n.front.Close()
		if !strings.Contains(out, "alert decrypt error") || len(n.failed) != 1 || n.failed[0].Kind != want {
			t.Errorf("%s: failed %+v, refused %v\n%s", identity, n.failed, n.refused, out)
		}
	}
}

// The clients of libcoap are those of OpenSSL and GnuTLS as CoAP uses them.
func TestLibcoapClients(t *testing.T) {
	for _, name := range []string{"coap-client-openssl", "coap-client-gnutls"} {
		t.Run(name, func(t *testing.T) {
			program := tool(t, name, "libcoap3-bin")
			n, address := listen(t, func(n *network, _ *Options) { n.answer = coapAnswer })
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, program, "-B", "20", "-u", "device-1", "-k", string(testKey), "coaps://"+address.String()+"/x").CombinedOutput()
			n.front.Close()
			if err != nil || !strings.Contains(string(out), "good night") || len(n.done) != 1 {
				t.Errorf("%v, done %+v, failed %+v, refused %v\n%s", err, n.done, n.failed, n.refused, out)
			}
		})
	}
}

// coapAnswer is a piggy-backed 2.05 to a Confirmable request.
func coapAnswer(request []byte) []byte {
	if len(request) < 4 {
		return nil
	}
	token := int(request[0] & 15)
	answer := append([]byte{0x60 | byte(token), 0x45}, request[2:4+token]...)
	return append(answer, "\xffgood night"...)
}
