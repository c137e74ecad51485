package query

import "testing"

func BenchmarkParseRegistration(b *testing.B) {
	queries := []string{"ep=urn:imei:490154203237518", "lt=86400", "lwm2m=1.1", "b=U", "Q"}
	b.ReportAllocs()
	for b.Loop() {
		r, err := ParseRegistration(queries)
		if err == nil {
			err = r.Validate(r.Version)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
