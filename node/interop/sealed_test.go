package interop

import (
	"fmt"
	"strings"
	"testing"

	"dormouse/node/app/apptest"
)

// sealed runs a test with each client of libcoap that has DTLS: by OpenSSL and by
// GnuTLS. Both know no Connection ID. Each run of a client is a session of its
// own, from another port, and ends with close_notify.
func sealed(t *testing.T, test func(t *testing.T, c libcoap, n node)) {
	for _, program := range []string{"coap-client-openssl", "coap-client-gnutls"} {
		t.Run(program, func(t *testing.T) {
			path := tool(t, program, "libcoap3-bin")
			n := start(t)
			test(t, libcoap{t: t, tool: path, base: "coaps://" + n.coaps.String()}, n)
		})
	}
}

// as is the client with an identity and its key, both text.
func (c libcoap) as(identity, key string) libcoap {
	c.proof = []string{"-u", identity, "-k", key}
	return c
}

const key = "sixteen byte key"

// provisioned is the client of an endpoint that was given a key, whose identity
// is not its name.
func (c libcoap) provisioned(n node, endpoint string) libcoap {
	c.t.Helper()
	if err := n.Provision(endpoint, "psk of "+endpoint, []byte(key)); err != nil {
		c.t.Fatal(err)
	}
	return c.as("psk of "+endpoint, key)
}

// shut checks that a handshake comes to nothing, by the alert that is sent for
// all reasons.
func (c libcoap) shut(arguments ...string) {
	c.t.Helper()
	all, printed := c.run(arguments...)
	if len(all) > 0 || !strings.Contains(strings.ToLower(printed), "decrypt error") {
		c.t.Errorf("%v: heard %+v\n%s", c.proof, all, printed)
	}
}

// registering are the arguments of a Register with more queries, such as "&ep=x".
func registering(queries string) []string {
	return []string{"-m", "post", "-t", "40", "-e", "</3/0>", "/rd?lt=300&lwm2m=1.1" + queries}
}

func TestSealedLifeOfARegistration(t *testing.T) {
	sealed(t, func(t *testing.T, c libcoap, n node) {
		c = c.provisioned(n, "sealed")
		links, paths := manyObjects()
		all := c.ask("-m", "post", "-t", "40", "-b", "64", "-f", c.file(links), "/rd?ep=sealed&lt=300&lwm2m=1.1&b=U")
		if blocks := (len(links) + 63) / 64; len(all) != blocks {
			t.Fatalf("%d answers to %d blocks: %+v", len(all), blocks, all)
		}
		location := c.locationOf(all[len(all)-1])
		r := registration(t, n.device(t, location, "sealed"))
		if got, want := string(r.Get("objects")), `["`+strings.Join(paths, `","`)+`"]`; got != want || string(r.Get("securityMode")) != `"PSK"` {
			t.Errorf("%s, objects\n got %s\nwant %s", r.Get("securityMode"), got, want)
		}

		// Each of these comes by a session of its own.
		c.last("2.04", "-m", "post", "/"+location)
		c.last("2.04", "-m", "post", "-t", "40", "-b", "32", "-e", strings.Repeat("</3303/1>,", 9)+"</3/0>", "/"+location+"?lt=600")
		r = registration(t, n.device(t, location, "sealed"))
		if lifetime, objects := string(r.Get("lifetime")), string(r.Get("objects")); lifetime != "600" || objects != `["/3/0","/3303/1"]` {
			t.Errorf("after two Updates: lifetime %s, objects %s", lifetime, objects)
		}
		c.last("2.04", "-m", "post", "-t", "110", "-e", `[{"n":"/3303/0/5700","v":21.5}]`, "/dp")
		n.value(t, n.device(t, location, "sealed").ID, "/3303/0/5700", "21.5")

		port := c.port() // and these two from the same port
		c.last("2.02", "-p", port, "-m", "delete", "/"+location)
		c.last("4.04", "-p", port, "-m", "post", "/"+location)
	})
}

func TestSealedEndpointAndIdentity(t *testing.T) {
	sealed(t, func(t *testing.T, c libcoap, n node) {
		other := c.provisioned(n, "other")
		foreign := other.locationOf(other.last("2.01", registering("&ep=other")...))
		c = c.provisioned(n, "mine")
		n.device(t, c.locationOf(c.last("2.01", registering("&ep=mine")...)), "mine")
		location := c.locationOf(c.last("2.01", registering("")...)) // the identity's
		n.device(t, location, "mine")
		c.last("4.03", registering("&ep=other")...)
		c.last("4.03", registering("&ep=nobody")...)
		c.last("4.00", registering("&ep=")...)
		c.last("4.00", registering("&lt=soon")...)
		c.last("4.03", "-m", "post", "/"+foreign)
		c.last("4.03", "-m", "delete", "/"+foreign)
		c.last("2.04", "-m", "post", "/"+location)
		other.last("2.04", "-m", "post", "/"+foreign)

		c.proof, c.base = nil, "coap://"+n.coap.String()
		c.last("4.03", registering("&ep=mine")...)
		c.last("4.03", "-m", "post", "/"+location)
		c.last("2.01", registering("&ep=nobody")...)
	})
}

// A wrong key and an identity that nobody has fail alike. What was taken away
// is such an identity.
func TestSealedRefused(t *testing.T) {
	sealed(t, func(t *testing.T, c libcoap, n node) {
		known := c.provisioned(n, "known")
		c.as("psk of known", "another byte key").shut(registering("&ep=known")...)
		c.as("psk of nobody", key).shut(registering("&ep=known")...)
		location := known.locationOf(known.last("2.01", registering("")...))
		if err := n.Revoke("known"); err != nil {
			t.Fatal(err)
		}
		known.shut("-m", "post", "/"+location)
	})
}

// Every client must manage identities of 128 bytes and keys of 64 (RFC 4279
// section 5.3), and so must a server.
func TestSealedLongCredentials(t *testing.T) {
	sealed(t, func(t *testing.T, c libcoap, n node) {
		identity, key := strings.Repeat("i", 128), strings.Repeat("k", 64)
		if err := n.Provision("long", identity, []byte(key)); err != nil {
			t.Fatal(err)
		}
		c.as(identity, key).last("2.01", registering("&ep=long")...)
		c.as(identity, key[1:]).shut(registering("&ep=long")...)
	})
}

// suites are those of the server, by GnuTLS's names of their ciphers.
var suites = []struct{ cipher, suite string }{
	{"AES-128-CCM-8", "TLS_PSK_WITH_AES_128_CCM_8"},
	{"AES-128-CCM", "TLS_PSK_WITH_AES_128_CCM"},
	{"AES-128-GCM", "TLS_PSK_WITH_AES_128_GCM_SHA256"},
	{"AES-128-CBC", "TLS_PSK_WITH_AES_128_CBC_SHA256"},
}

// The records of all four suites are those of GnuTLS, too: left with one of them
// it registers, and updates in blocks.
func TestSealedBySuite(t *testing.T) {
	path := tool(t, "coap-client-gnutls", "libcoap3-bin")
	n := start(t)
	c := libcoap{t: t, tool: path, base: "coaps://" + n.coaps.String()}.provisioned(n, "suite")
	for _, s := range suites {
		t.Setenv("GNUTLS_SYSTEM_PRIORITY_FILE", c.only(s.cipher))
		location := c.locationOf(c.last("2.01", registering("&ep=suite")...))
		c.last("2.04", "-m", "post", "-t", "40", "-b", "32", "-e", strings.Repeat("</3303/1>,", 9)+"</3/0>", "/"+location)
		err := apptest.Eventually(func() error {
			if got := n.log.count("suite=" + s.suite + " "); got != 2 {
				return fmt.Errorf("%d handshakes with %s, want 2", got, s.suite)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// only is a file that takes all ciphers but one away from GnuTLS.
func (c libcoap) only(cipher string) (file string) {
	c.t.Helper()
	others := []string{"AES-256-GCM", "AES-256-CCM", "AES-256-CCM-8", "AES-256-CBC", "CHACHA20-POLY1305"}
	for _, s := range suites {
		others = append(others, s.cipher)
	}
	lines := "[overrides]\n"
	for _, other := range others {
		if other != cipher {
			lines += "tls-disabled-cipher = " + other + "\n"
		}
	}
	return c.file(lines)
}
