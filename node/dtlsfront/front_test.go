package dtlsfront

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/dtls/v2"
)

func TestOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, nil)
		c := clientConfig("device-1", testKey)
		c.ConnectionIDGenerator = dtls.RandomCIDGenerator(4)
		conn, err := n.dial(pathOf(1), c, time.Minute)
		t.Logf("%+v %+v %+v", n.done, n.failed, n.refused)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.echo(conn, "hello"); err != nil {
			t.Error(err)
		}
		conn.Close()
		n.front.Close()
	})
}
