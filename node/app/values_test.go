package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/app/apptest"
)

// registration is the fragment with what is known of a device's registration.
type registration struct {
	Registered bool
	Location   string
	Lifetime   int64
	QueueMode  bool
	Objects    []string
	Address    string
	Expires    time.Time
}

func (n node) registration(t testing.TB, d *apptest.Device) (r registration) {
	t.Helper()
	m := n.object(t, d)
	check(t, json.Unmarshal(m.Fragments.Get("c8y_LwM2MRegistration"), &r))
	return r
}

// values are the last ones of a device at or below a path.
func (n node) values(device ids.Object, below string) (all map[lwm2m.Path]lwm2m.Value, err error) {
	all = map[lwm2m.Path]lwm2m.Value{}
	err = n.api.Each(platform.ValuesPath(device.String())+"?path="+below, platform.Values, func(item []byte) error {
		v, err := platform.ParseLastValue(item)
		all[v.Path] = v.Value
		return err
	})
	return all, err
}

// value waits until a device's last value is v.
func (n node) value(device ids.Object, p lwm2m.Path, v lwm2m.Value) error {
	return apptest.Eventually(func() error {
		all, err := n.values(device, p.String())
		if err == nil && !all[p].Equal(v) {
			err = fmt.Errorf("the value of %s is %s, not %s", p, all[p], v)
		}
		return err
	})
}

func (n node) expectValue(t testing.TB, device ids.Object, p lwm2m.Path, v lwm2m.Value) {
	t.Helper()
	check(t, n.value(device, p, v))
}

// refused is a request that must be answered with a status and a fault whose
// message has the words.
func (n node) refused(t testing.TB, status int, words, method, path, body string, header ...string) {
	t.Helper()
	r, err := n.api.Expect(status, method, path, body, header...)
	if err != nil {
		t.Error(err)
		return
	}
	f, err := platform.ParseFault(r.Body)
	if err != nil || f.Error == "" || f.Info == "" || !contains(f.Message, words) {
		t.Errorf("%s %s %s: %+v %v", method, path, body, f, err)
	}
	if r.Header.Get("Content-Type") == "" || r.Status == http.StatusOK {
		t.Errorf("%s %s: %v", method, path, r.Header)
	}
}

func contains(text, words string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(words))
}
