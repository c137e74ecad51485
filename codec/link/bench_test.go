package link

import (
	"fmt"
	"strings"
	"testing"
)

// sensor is the list of a device with the usual objects and one sensor.
const sensor = `</>;rt="oma.lwm2m";ct="60 110 112 11542",</1/0>,</3/0>,</4/0>,</5/0>,</3303/0>`

// gateway is a list of 40 instances below a root, as composite devices send.
func gateway() string {
	var b strings.Builder
	b.WriteString(`</lwm2m>;rt="oma.lwm2m";ct=112,</lwm2m/1>;ver=1.1`)
	for i := range 40 {
		fmt.Fprintf(&b, ",</lwm2m/%d/%d>", 3300+i/4, i%4)
	}
	return b.String()
}

func BenchmarkParseObjects(b *testing.B) {
	for _, c := range []struct{ name, text string }{{"sensor", sensor}, {"gateway", gateway()}} {
		text := []byte(c.text)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseObjects(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
