package provision

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

const largeHeader = "endpoint id;securityMode;lwm2m psk_id;lwm2m psk_key;registrationLifetime;bindingMode;NAME;comment\r\n"

// badLines are ten kinds of fault, by what is made of line i.
var badLines = []struct {
	line func(i int) string
	want string
}{
	{func(i int) string { return fmt.Sprintf("b%d;PSK;b%d;00zz;;;;", i, i) }, "lwm2m psk_key has characters that are no hex digits"},
	{func(i int) string { return fmt.Sprintf("b%d;PSK;b%d;000;;;;", i, i) }, "lwm2m psk_key has an odd number of hex digits"},
	{func(i int) string { return fmt.Sprintf("b%d;;;;;;;", i) }, "securityMode is missing"},
	{func(i int) string { return fmt.Sprintf("b%d;NO_SEC;b%d;;;;;", i, i) }, "lwm2m psk_id must not be given for NO_SEC"},
	{func(int) string { return "first;NO_SEC;;;;;;" }, "endpoint id stands in line 2 already"},
	{func(i int) string { return fmt.Sprintf("b%d;NO_SEC;;;;UX;;", i) }, "bindingMode must be U or UQ"},
	{func(i int) string { return fmt.Sprintf("b%d;NO_SEC;;;1h;;;", i) }, "registrationLifetime must be a whole number of seconds from 0 to 4294967295"},
	{func(i int) string { return fmt.Sprintf("b%d;NO_SEC;;;;;caf\xe9;", i) }, "NAME is not UTF-8: save the file as UTF-8"},
	{func(i int) string { return fmt.Sprintf("b%d;NO_SEC;;;;;;;", i) }, "has too many columns: 9, and the header has 8"},
	{func(i int) string { return fmt.Sprintf("b%d;NO_SEC;;;;;\"a\"b;", i) }, afterQuote},
}

func goodLine(i int) string {
	return fmt.Sprintf("urn:dev:os:4200-%08d;PSK;meter-%08d;%032x;86400;U;N %d;shed", i, i, i, i)
}

// largeFile is a file of 10 MB with lines from 2 to most; wrong has the faults
// by line.
func largeFile(most int, seed uint64) (file []byte, wrong map[int]string) {
	random := rand.New(rand.NewPCG(seed, 0))
	wrong = map[int]string{}
	var b bytes.Buffer
	b.WriteString(largeHeader + "first;NO_SEC;;;;;;\r\n")
	for i := 3; i <= most; i++ {
		line := goodLine(i)
		if i%100 == 0 {
			kind := badLines[i/100%len(badLines)]
			line, wrong[i] = kind.line(i), kind.want
		} else if random.IntN(10) == 0 {
			line += strings.Repeat("!", random.IntN(3))
		}
		b.WriteString(line + "\r\n")
	}
	return b.Bytes(), wrong
}

// TestLargeFile: each of 100 000 lines, 1000 of them wrong in one of ten ways.
func TestLargeFile(t *testing.T) {
	const most = 100_001
	file, wrong := largeFile(most, 1)
	if len(wrong) != 1000 || len(file) < 9_700_000 {
		t.Fatalf("%d bytes, %d bad lines", len(file), len(wrong))
	}
	r, err := NewReader(bytes.NewReader(file), Options{})
	if err != nil || len(r.Unknown()) != 1 {
		t.Fatal(err)
	}
	number := 1
	for ; ; number++ {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil || line.Number != number+1 {
			t.Fatalf("line %d behind %d, %v", line.Number, number, err)
		}
		if want := wrong[line.Number]; want != "" {
			if len(line.Faults) != 1 || line.Faults[0].Error() != want {
				t.Errorf("line %d: %v, want %s", line.Number, line.Faults, want)
			}
			continue
		}
		d := line.Device
		if line.Number > 2 && (line.Faults != nil || d.Endpoint != fmt.Sprintf("urn:dev:os:4200-%08d", line.Number) || d.PSKID != fmt.Sprintf("meter-%08d", line.Number) || d.PSKKey.Len() != 16) {
			t.Fatalf("line %d: %+v, %v", line.Number, d, line.Faults)
		}
	}
	if number != most {
		t.Errorf("%d lines", number)
	}
}

// TestBoundedMemory: a file without names takes what the input takes.
func TestBoundedMemory(t *testing.T) {
	line := []byte(strings.Repeat("x", 100) + ";NO_SEC;y\n") // three columns: at fault
	source := io.MultiReader(strings.NewReader("endpoint id;securityMode\n"), &repeated{line: line, left: 500_000})
	r, err := NewReader(source, Options{MaxFile: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	for count := 0; ; count++ {
		line, err := r.Next()
		if err == io.EOF {
			if count != 500_000 {
				t.Errorf("%d lines", count)
			}
			break
		}
		if err != nil || len(line.Faults) != 1 {
			t.Fatal(line.Faults, err)
		}
	}
	if len(r.in.buf) > 4*MaxLine || cap(r.cells.text) > 2*MaxLine || len(r.earlier.endpoints) > 0 {
		t.Errorf("%d and %d bytes, %d names", len(r.in.buf), cap(r.cells.text), len(r.earlier.endpoints))
	}
}

// repeated is a line many times.
type repeated struct {
	line []byte
	at   int
	left int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.line[r.at:])
	if r.at += n; r.at == len(r.line) {
		r.at, r.left = 0, r.left-1
	}
	return n, nil
}

func BenchmarkReader(b *testing.B) {
	file, _ := largeFile(100_001, 1)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	lines := 0
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file), Options{})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			if _, err = r.Next(); err == nil {
				lines++
			}
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(lines), "allocs/line")
}

func BenchmarkParse(b *testing.B) {
	body := []byte(strings.NewReplacer(`"lwm2mPskId":"i"`, `"lwm2mPskId":"i","lwm2mPskKey":"00"`, `"bootstrapPskId":"bi"`, `"bootstrapPskId":"bi","bootstrapPskKey":"00"`).Replace(everythingJSON))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Parse(body, Rules{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	d := everything()
	record := d.AppendRecord(nil)
	b.ReportMetric(float64(len(record)), "B/record")
	b.ReportAllocs()
	for b.Loop() {
		d, err := ParseRecord(record)
		if err != nil {
			b.Fatal(err)
		}
		record = d.AppendRecord(record[:0])
	}
}
