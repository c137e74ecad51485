package app_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/app"
	"dormouse/node/app/apptest"
)

// deaf is a device that is always awake, and does not answer before it wants to.
type deaf struct {
	t        *testing.T
	conn     *net.UDPConn
	server   netip.AddrPort
	location string
}

func newDeaf(t *testing.T, server netip.AddrPort, name string) *deaf {
	t.Helper()
	d := &deaf{t: t, conn: must[*net.UDPConn](t)(net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})), server: server}
	t.Cleanup(func() { _ = d.conn.Close() })
	helper := must[*apptest.Client](t)(apptest.Dial(server, nil))
	defer helper.Close()
	d.send(helper.Registration(name))
	_, a := d.receive()
	if a.Code != coap.Created {
		t.Fatalf("Register: %v", a)
	}
	d.location = a.LocationPath()
	return d
}

func (d *deaf) send(m *coap.Message) {
	d.t.Helper()
	_, err := d.conn.WriteToUDPAddrPort(must[[]byte](d.t)(m.Append(nil)), d.server)
	check(d.t, err)
}

// receive waits for a datagram.
func (d *deaf) receive() ([]byte, *coap.Message) {
	d.t.Helper()
	b := make([]byte, 2048)
	check(d.t, d.conn.SetReadDeadline(time.Now().Add(time.Minute)))
	n, err := d.conn.Read(b)
	check(d.t, err)
	m := new(coap.Message)
	check(d.t, coap.Parse(b[:n], m))
	return b[:n], m
}

// again wants the very same request from a node, and nothing else before. It answers,
// and wants the operation to end well.
func (d *deaf) again(request []byte, from, by node, op ids.Operation) {
	d.t.Helper()
	if !pollFor(func() bool { return requests(d.t, from) > 0 }) {
		d.t.Fatal("the node asks nothing")
	}
	raw, m := d.receive()
	if !bytes.Equal(raw, request) {
		d.t.Fatalf("%x comes, not %x again", raw, request)
	}
	d.send(&coap.Message{Type: coap.Acknowledgement, Code: coap.Changed, MessageID: m.MessageID, Token: m.Token})
	if op := must[platform.Operation](d.t)(by.api.Ended(op)); op.Status != platform.Successful {
		d.t.Errorf("%+v", op)
	}
}

func (d *deaf) execute(by node) (ids.Operation, []byte) {
	d.t.Helper()
	object := must[ids.Endpoint](d.t)(apptest.EndpointOf(d.location)).Object()
	op := must[platform.Operation](d.t)(by.api.Submit(object, "execute /3/0/4", ""))
	request, m := d.receive()
	if m.Type != coap.Confirmable || m.Code != coap.POST {
		d.t.Fatalf("asked %v", m)
	}
	return op.ID, request
}

// requests is how many a node has sent.
func requests(t *testing.T, n node) float64 {
	t.Helper()
	return must[map[string]float64](t)(n.api.Metrics())[fmt.Sprintf("dormouse_endpoint_events_total{kind=%q}", endpoint.RequestSent)]
}

// TestARequestGoesOutAgainFromTheNextLeader: a device that is always awake and says
// nothing gets the very same request again when another node leads it, by way of the
// node that it uses.
func TestARequestGoesOutAgainFromTheNextLeader(t *testing.T) {
	t.Parallel() // it waits more than it works
	nodes := trio(t)
	const name = "deaf"
	d := newDeaf(t, nodes[1].CoAP()[0], name)
	shard := ids.Shards(shardsOfATrio).Of(must[ids.Endpoint](t)(apptest.EndpointOf(d.location)))
	handOver(t, nodes, shard, nodes[0])
	op, request := d.execute(nodes[1])
	handOver(t, nodes, shard, nodes[2])
	d.again(request, nodes[2], nodes[1], op)
}

// TestARequestGoesOutAgainAfterARestart of a node that is alone: nobody speaks before.
func TestARequestGoesOutAgainAfterARestart(t *testing.T) {
	t.Parallel() // it waits more than it works
	c := settings(t.TempDir())
	n := start(t, c, app.Options{})
	d := newDeaf(t, n.CoAP()[0], "deaf")
	op, request := d.execute(n)
	c.CoAP = []string{d.server.String()}
	check(t, n.Stop())
	n = start(t, c, app.Options{})
	d.again(request, n, n, op)
}
