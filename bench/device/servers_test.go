package device

import "testing"

func TestResolve(t *testing.T) {
	list, err := resolve("127.0.0.1:5783,127.0.0.2:5784")
	if err != nil || len(list) != 2 || list[0].Port != 5783 || list[1].String() != "127.0.0.2:5784" {
		t.Errorf("%v, %v", list, err)
	}
	for _, bad := range []string{"", "127.0.0.1", "127.0.0.1:1,", "127.0.0.1:1,127.0.0.1:x"} {
		if list, err := resolve(bad); err == nil {
			t.Errorf("%q is %v", bad, list)
		}
	}
}
