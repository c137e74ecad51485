package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
)

func TestDeviceCommand(t *testing.T) {
	tests := []struct {
		args   string
		status int
		stderr string
	}{
		{"device --version 3.0", 1, "none of 1.0"},
		{"device --version x", 1, "malformed version"},
		{"device --formats 112,tlv", 1, `"tlv" is no format`},
		{"device --objects 3,70000", 1, `"70000" is no object`},
		{"device --send /x", 1, "malformed path"},
		{"device --root lwm2m", 1, "root"},
		{"device --server nowhere", 1, "find server nowhere"},
		{"device --rebind-every 1", 1, "want --dtls"},
		{"device --dtls --suite none", 1, "none of ccm8"},
		{"device --dtls --provision http://127.0.0.1:1", 1, "provision: device-0"},
		{"device --lifetime long", 2, "invalid value"},
		{"device -n 3 rest", 2, "unexpected argument"},
	}
	for _, test := range tests {
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), strings.Fields(test.args), &stdout, &stderr); got != test.status || !strings.Contains(stderr.String(), test.stderr) {
			t.Errorf("%s: status %d, %q", test.args, got, stderr.String())
		}
	}
}

// The flags reach the wire: what a device registers with is what was asked for.
func TestDeviceFlags(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil { // far beyond what it takes
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	args := "device --server " + conn.LocalAddr().String() + " --prefix node --version 1.2 --lifetime 0 --queue --root /lwm2m --formats 112,11544 --objects 3303 --notify-every 1s --binding U"
	ended := make(chan int)
	go func() {
		var stdout, stderr bytes.Buffer
		ended <- run(ctx, strings.Fields(args), &stdout, &stderr)
	}()
	buffer := make([]byte, 2048)
	n, from, err := conn.ReadFromUDP(buffer)
	if err != nil {
		t.Fatal(err)
	}
	var m coap.Message
	if err := coap.Parse(buffer[:n], &m); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(m.Queries(), "&"); m.Path() != "rd" || got != "ep=node0&lt=0&lwm2m=1.2&b=U&Q" {
		t.Errorf("registers at %s with %s", m.Path(), got)
	}
	if got := string(m.Payload); got != `</lwm2m>;rt="oma.lwm2m";ct="112 11544",</lwm2m/1/0>,</lwm2m/3/0>,</lwm2m/3303>;ver=1.1,</lwm2m/3303/0>,</lwm2m/3303/1>` {
		t.Errorf("lists %s", got)
	}
	reset := coap.Message{Type: coap.Reset, MessageID: m.MessageID}
	b, err := reset.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // while it registers: the refusal lets it go
	if _, err := conn.WriteToUDP(b, from); err != nil {
		t.Fatal(err)
	}
	if status := <-ended; status != 0 {
		t.Errorf("status %d", status)
	}
}
