package provision

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// readAll reads a file to its end and writes each line as "3 urn:e", or
// "3 column reason; reason".
func readAll(t *testing.T, r io.Reader, o Options) (list []string, end error) {
	t.Helper()
	reader, err := NewReader(r, o)
	if err != nil {
		return nil, err
	}
	for {
		line, err := reader.Next()
		if err != nil {
			if again, twice := reader.Next(); twice == nil || line.Faults != nil {
				t.Errorf("behind the end: lines %d and %d, %v", again.Number, line.Number, line.Faults)
			}
			return list, err
		}
		if line.Faults == nil {
			list = append(list, fmt.Sprint(line.Number, " ", line.Device.Endpoint))
			continue
		}
		text, _ := strings.CutPrefix(line.Faults.Error(), "provision: ")
		list = append(list, fmt.Sprint(line.Number, " ", text))
	}
}

// expect reads a file in one piece, and byte by byte.
func expect(t *testing.T, file string, want ...string) {
	t.Helper()
	for _, r := range []io.Reader{strings.NewReader(file), iotest.OneByteReader(strings.NewReader(file)), iotest.DataErrReader(strings.NewReader(file))} {
		if got, err := readAll(t, r, Options{}); err != io.EOF || !slices.Equal(got, want) {
			t.Errorf("%.300q\n got %q, %v\nwant %q", file, got, err, want)
		}
	}
}

func TestDelimitersAndOrder(t *testing.T) {
	for _, delimiter := range []string{",", ";", "\t"} {
		for _, end := range []string{"\n", "\r\n"} {
			for _, mark := range []string{"", "\xef\xbb\xbf"} {
				rows := [][]string{{"SECURITYMODE", "unknown, x", "Endpoint ID", "Registrationlifetime", "name"}, {"NO_SEC", "1", "e1", "", "a b"}, {" no_sec ", "", " e2", "\"300\"", "\"x,;\ty\""}}
				if delimiter == "," {
					rows[0][1] = `"unknown, x"`
				}
				var lines []string
				for _, cells := range rows {
					lines = append(lines, strings.Join(cells, delimiter))
				}
				file := mark + strings.Join(lines, end)
				for _, file := range []string{file, file + end, file + end + end + strings.Repeat(delimiter, 4) + end} {
					expect(t, file, "2 e1", "3 e2")
				}
				r, err := NewReader(strings.NewReader(file), Options{})
				if err != nil || !slices.Equal(r.Unknown(), []string{"unknown, x"}) {
					t.Fatal(err, r.Unknown())
				}
				first, _ := r.Next()
				second, _ := r.Next()
				if first.Device.Lifetime.Given || second.Device.Lifetime != Some(300*time.Second) || second.Device.Name != "x,;\ty" || first.Device.Mode != NoSec {
					t.Errorf("%+v, %+v", first, second)
				}
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	for _, tc := range []struct{ file, want string }{
		{"", "the file is empty"},
		{"\xef\xbb\xbf\n\n", "the file is empty"},
		{"a;b;c\n", "names no known column"},
		{"endpoint id\ne\n", "has no column securityMode"},
		{"name;type\n", "has no column endpoint id and no column securityMode"},
		{"\"endpoint id;securityMode\ne;NO_SEC", "never closed"},
		{"e\x00n\x00", "not UTF-8"},
		{"\xff\xfee\x00n\x00", "not UTF-8"},
		{long + ";endpoint id\n", "longer than"},
		{"endpoint id;securityMode" + strings.Repeat(";x", MaxColumns) + "\n", "has 258 columns, at most 256"},
	} {
		if _, err := NewReader(strings.NewReader(tc.file), Options{}); !errors.Is(err, ErrHeader) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.40q: %v", tc.file, err)
		}
	}
	r, err := NewReader(strings.NewReader("ID;a\xffb;;ID;securityMode"), Options{})
	if err != nil || !slices.Equal(r.Unknown(), []string{"a\uFFFDb", ""}) {
		t.Error(err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Error(err)
	}
	if _, err := NewReader(iotest.ErrReader(errBroken), Options{}); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if _, err := NewReader(strings.NewReader("endpoint id;securityMode\n"), Options{MaxFile: 10}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

var errBroken = errors.New("broken")

// TestPlatformColumns: those of the platform's own bulk registration.
func TestPlatformColumns(t *testing.T) {
	const header = "ID;NAME;TYPE;PATH;endpoint id;securityMode\n"
	expect(t, header+"e1;n;t;p/q;e1;NO_SEC\ne2;;;;;NO_SEC\n;;;;e3;NO_SEC\ne4;;;;e5;NO_SEC\n;;;;;NO_SEC\n",
		"2 e1", "3 e2", "4 e3", "5 endpoint id and ID are not the same", "6 endpoint id is missing")
	expect(t, "ID;securityMode;type;TYPE\ne1;NO_SEC;a;a\ne2;NO_SEC;a;b\ne3;NO_SEC;;b\n", "2 e1", "3 type stands in column 4 again, with another value", "4 e3")
	r, _ := NewReader(strings.NewReader(header+"e1;n;t;p/q;e1;NO_SEC\n"), Options{})
	if line, err := r.Next(); err != nil || !equal(line.Device, Device{Endpoint: "e1", Name: "n", Type: "t", Path: "p/q", Mode: NoSec}) {
		t.Errorf("%+v, %v", line, err)
	}
}

// TestBadLines cost themselves alone.
func TestBadLines(t *testing.T) {
	const header = "endpoint id;securityMode;lwm2m psk_id;lwm2m psk_key;disableTimeout\n"
	good := func(i int) string { return fmt.Sprintf("g%d;NO_SEC;;;\n", i) }
	long := strings.Repeat("x", MaxLine)
	for _, tc := range []struct{ line, want string }{
		{"e;PSK;i;0g;x\n", "lwm2m psk_key has characters that are no hex digits; disableTimeout must be a whole number of seconds from 0 to 4294967295"},
		{"e;NO_SEC;;;true\n", "disableTimeout is a number of seconds, not true or false"},
		{"e;NO_SEC;;\n", "has too few columns: 4, and the header has 5"},
		{"e;NO_SEC;;;;\n", "has too many columns: 6, and the header has 5"},
		{"e\xff;NO_SEC;;;\n", "endpoint id is not UTF-8: save the file as UTF-8"},
		{"e;NO_SEC;;;;\xff\n", "is not UTF-8: save the file as UTF-8"},
		{"\xc3;\xa9;;;\n", "endpoint id is not UTF-8: save the file as UTF-8"},
		{"a\"b;NO_SEC;;;\n", bareQuote},
		{"\"a\"b;NO_SEC;;;\n", afterQuote},
		{"\"a;NO_SEC;;;\n", openQuote},
		{long + ";NO_SEC;;;\n", "has more than 65536 bytes"},
		{"\"" + long + "\";NO_SEC;;;\n", "has more than 65536 bytes"},
		{long + long + long + long + long + long + ";NO_SEC;;;\n", "has more than 65536 bytes"},
		{strings.Repeat("e", 1025) + ";NO_SEC;;;\n", "endpoint id has 1025 bytes, at most 1024"},
		{";;;;\n", ""},
	} {
		want := []string{"2 g0", "3 " + tc.want, "4 g1", "5 g2"}
		if tc.want == "" {
			want = []string{"2 g0", "4 g1", "5 g2"}
		}
		expect(t, header+good(0)+tc.line+good(1)+good(2), want...)
	}
	// The bad line is the last one, without a line break.
	expect(t, header+good(0)+"\"a;NO_SEC", "2 g0", "3 "+openQuote)
	expect(t, header+good(0)+"a\"", "2 g0", "3 "+bareQuote)
	expect(t, header+long+long, "2 has more than 65536 bytes")
	// Line breaks in quotes count, and what a quote that is not closed swallowed is read.
	expect(t, header+"\"e\n1\";NO_SEC;;;\n"+good(1), "2 e\n1", "4 g1")
	expect(t, header+"\"e;NO_SEC;;;\n"+good(1)+"\"e2\";NO_SEC;;;\n"+good(2), "2 "+afterQuote, "3 g1", "4 e2", "5 g2")
	filler := strings.Repeat(";;;;\n", MaxLine/5+1)
	expect(t, header+"\"e;NO_SEC;;;\n"+filler+good(1), "2 has a quote that is not closed within 65536 bytes", fmt.Sprintf("%d g1", 3+MaxLine/5+1))
	expect(t, header+"\"e\n\";NO_SEC;;;"+long+"\n"+good(1), "2 has more than 65536 bytes", "3 has more than 65536 bytes", "4 g1")
	// The longest line there is.
	fits := "e;NO_SEC;;;\"\"" + strings.Repeat(" ", MaxLine-14) + "\n"
	expect(t, header+fits+good(1), "2 e", "3 g1")
	expect(t, header+" "+fits+good(1), "2 has more than 65536 bytes", "3 g1")
}

// TestDuplicates in one file: of good lines alone, so that a line may be put
// right by a later one.
func TestDuplicates(t *testing.T) {
	const header = "endpoint id;securityMode;bootstrapSecurityMode;lwm2m psk_id;lwm2m psk_key;bootstrap psk_id;bootstrap psk_key;lwm2m server uri\n"
	expect(t, header+
		"a;PSK;;i;00;bi;00;\n"+
		"a;NO_SEC;;;;;;\n"+
		"b;PSK;;i;00;;;\n"+
		"b;PSK;;bi;00;;;\n"+
		"b;PSK;;j;00;i;00;\n"+
		"b;PSK;;j;00;j;00;\n"+ // one ID for both connections
		"i;PSK_GENERATED;;;;;;coaps://h\n"+
		"c;PSK_GENERATED;;;;;;coaps://h\n"+
		"d;PSK;;c;00;;;\n"+
		"d;NO_SEC;PSK;;;c;00;\n"+
		"d;NO_SEC;PSK;;;d;00;x\n"+
		"d;NO_SEC;PSK;;;d;00;\n"+
		"A;NO_SEC;;;;;;\n"+
		"a;PSK;;i;0;i;0;\n",
		"2 a", "3 endpoint id stands in line 2 already", "4 lwm2m psk_id stands in line 2 already", "5 lwm2m psk_id stands in line 2 already", "6 bootstrap psk_id stands in line 2 already",
		"7 b", "8 endpoint id stands in line 2 already", "9 c", "10 lwm2m psk_id stands in line 9 already", "11 bootstrap psk_id stands in line 9 already",
		"12 lwm2m server uri must begin with coap:// or coaps://", "13 d", "14 A",
		"15 lwm2m psk_key has an odd number of hex digits; bootstrap psk_key has an odd number of hex digits; endpoint id stands in line 2 already; lwm2m psk_id stands in line 2 already; bootstrap psk_id stands in line 2 already")
}

// TestFaultyLine shows the endpoint of a line, and no more of its device.
func TestFaultyLine(t *testing.T) {
	r, _ := NewReader(strings.NewReader("endpoint id;securityMode;lwm2m psk_id;lwm2m psk_key\ne;NO_SEC;i;"+hexKey), Options{})
	line, err := r.Next()
	if err != nil || len(line.Faults) != 2 || !equal(line.Device, Device{Endpoint: "e"}) || line.Faults[0].Name != "lwm2mPskId" {
		t.Errorf("%+v, %v", line, err)
	}
}

// TestCutFiles: a line that is cut by an error is no line.
func TestCutFiles(t *testing.T) {
	const file = "endpoint id;securityMode\ne1;NO_SEC\n\"e2\";NO_SEC\ne3;NO_SEC\n"
	for cut := len("endpoint id;securityMode\n"); cut <= len(file); cut++ {
		var want []string
		for i, line := range strings.SplitAfter(file[:cut], "\n") {
			if i > 0 && strings.HasSuffix(line, "\n") {
				want = append(want, fmt.Sprintf("%d e%d", i+1, i))
			}
		}
		got, err := readAll(t, io.MultiReader(strings.NewReader(file[:cut]), iotest.ErrReader(errBroken)), Options{})
		if !errors.Is(err, errBroken) || !slices.Equal(got, want) {
			t.Errorf("cut at %d: %q, %v", cut, got, err)
		}
		if cut == len(file) {
			continue
		}
		if got, err = readAll(t, strings.NewReader(file), Options{MaxFile: int64(cut)}); !errors.Is(err, ErrTooLarge) || !slices.Equal(got, want) {
			t.Errorf("at most %d: %q, %v", cut, got, err)
		}
	}
	if got, err := readAll(t, strings.NewReader(file), Options{MaxFile: int64(len(file))}); err != io.EOF || len(got) != 3 {
		t.Error(got, err)
	}
	if _, err := readAll(t, idle{}, Options{}); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

// idle reads nothing, for ever.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestTemplates(t *testing.T) {
	for kind, want := range map[string]Device{
		"nosec": {Endpoint: "urn:imei:490154203237518", Mode: NoSec, ServerURI: "coap://lwm2m.example.com:5783"},
		"psk": {Endpoint: "urn:imei:490154203237518", Mode: PSK, PSKID: "urn:imei:490154203237518", PSKKey: key16(), BootstrapPSKID: "bs-490154203237518",
			BootstrapPSKKey: NewKey([]byte("\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f")), ServerURI: "coaps://lwm2m.example.com:5784"},
	} {
		if got := parseTemplate(t, kind); !equal(got, want) {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	full := parseTemplate(t, "full")
	for i := range devices.columns {
		if c := &devices.columns[i]; c.Need != NeedLater && !c.has(&full) {
			t.Errorf("full does not have %s", c.Column)
		}
	}
	if _, known := Template("x509"); known {
		t.Error("a template of another kind")
	}
}

func parseTemplate(t *testing.T, kind string) Device {
	t.Helper()
	text, known := Template(kind)
	r, err := NewReader(strings.NewReader(string(text)), Options{})
	if err != nil || !known || len(r.Unknown()) > 0 {
		t.Fatal(kind, err, known)
	}
	line, err := r.Next()
	if err != nil || line.Faults != nil {
		t.Errorf("%s: %v, %v", kind, line.Faults, err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Error(kind, err)
	}
	return line.Device
}

// FuzzReader: lines ascend, a device is good, and a file ends.
func FuzzReader(f *testing.F) {
	for _, kind := range []string{"nosec", "psk", "full"} {
		text, _ := Template(kind)
		f.Add(text)
	}
	f.Add([]byte("ID,securityMode\na,NO_SEC\n\"b\n,NO_SEC\nc,\"NO_SEC\"x\n\xff,\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(strings.NewReader(string(file)), Options{})
		if err != nil {
			if !errors.Is(err, ErrHeader) {
				t.Error(err)
			}
			return
		}
		breaks := strings.Count(string(file), "\n")
		for last := 1; ; {
			line, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil || line.Number <= last || line.Number > breaks+1 {
				t.Fatalf("line %d of %d behind %d, %v", line.Number, breaks+1, last, err)
			}
			last = line.Number
			if line.Faults == nil {
				if faults := line.Device.Check(Rules{}); faults != nil {
					t.Fatalf("line %d is good, and then %v", last, faults)
				}
			}
		}
	})
}
