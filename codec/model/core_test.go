package model

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"dormouse/codec/lwm2m"
)

// TestCoreHasTheRequiredObjects goes through the OMA core objects with the name of
// each, and through the whole numbers of IPSO that the registry has.
func TestCoreHasTheRequiredObjects(t *testing.T) {
	names := map[uint16]string{
		0: "LWM2M Security", 1: "LwM2M Server", 2: "LwM2M Access Control", 3: "Device", 4: "Connectivity Monitoring",
		5: "Firmware Update", 6: "Location", 7: "Connectivity Statistics", 9: "LWM2M Software Management",
		10: "LWM2M Cellular Connectivity", 11: "LWM2M APN Connection Profile", 12: "WLAN connectivity", 13: "LWM2M Bearer Selection",
		14: "LWM2M Software Component", 16: "Portfolio", 19: "BinaryAppDataContainer", 20: "Event Log",
		21: "LWM2M OSCORE", 22: "Virtual Observe Notify", 23: "LwM2M COSE", 24: "MQTT Server", 25: "LwM2M Gateway",
		33629: "Advanced Firmware Update",
		3200:  "Digital Input", 3300: "Generic Sensor", 3303: "Temperature", 3306: "Actuation", 3311: "Light Control",
		3336: "Location", 3342: "On/Off switch", 3347: "Push button", 3441: "LwM2M v1.0 Test Object",
	}
	for id, want := range names {
		o := Core().Object(id, lwm2m.Version{})
		if o == nil {
			t.Errorf("object %d %s is missing", id, want)
			continue
		}
		if o.Name != want || o.ID != id || len(o.Resources) == 0 {
			t.Errorf("object %d is %q with %d resources, want %q", id, o.Name, len(o.Resources), want)
		}
	}
	// Numbers of the range that the registry never gave away.
	free := []uint16{3307, 3309, 3409, 3440}
	for id := uint16(3300); id <= 3441; id++ {
		if known := Core().Object(id, lwm2m.Version{}) != nil; known == slices.Contains(free, id) {
			t.Errorf("object %d: known %v", id, known)
		}
	}
	for id := uint16(3200); id <= 3203; id++ {
		if Core().Object(id, lwm2m.V1_0) == nil {
			t.Errorf("object %d is missing", id)
		}
	}
}

// TestKeyResources has resources that the server itself relies on, and one of
// every data type and operation.
func TestKeyResources(t *testing.T) {
	for _, c := range []struct {
		path, version, want string
	}{
		{"/0/0/0", "1.0", "LWM2M Server URI -!S String 0-255 bytes"},
		{"/0/0/10", "1.1", "Short Server ID -S Integer 1..65534"},
		{"/0/0/17", "1.1", "OSCORE Security Mode -S Objlnk"},
		{"/1/0/1", "1.0", "Lifetime RW!S Integer s"},
		{"/1/0/7", "1.1", "Binding RW!S String"},
		{"/1/0/8", "1.0", "Registration Update Trigger E!S None"},
		{"/1/0/23", "1.1", "Mute Send RWS Boolean"},
		{"/2/0/2", "1.0", "ACL RWM Integer"},
		{"/3/0/0", "1.0", "Manufacturer RS String"},
		{"/3/0/4", "1.0", "Reboot E!S None"},
		{"/3/0/6", "1.1", "Available Power Sources RM Integer 0..7"},
		{"/3/0/9", "1.2", "Battery Level RS Integer 0..100 /100"},
		{"/3/0/11", "1.0", "Error Code R!M Integer"},
		{"/3/0/13", "1.0", "Current Time RWS Time"},
		{"/3/0/22", "1.0", "ExtDevInfo RM Objlnk"},
		{"/4/0/2", "1.3", "Radio Signal Strength R!S Integer dBm"},
		{"/5/0/0", "1.0", "Package W!S Opaque"},
		{"/5/0/1", "1.0", "Package URI RW!S String"},
		{"/5/0/3", "1.0", "State R!S Integer"},
		{"/5/0/13", "1.1", "Maximum Defer Period RWS Unsigned Integer s"},
		{"/6/0/5", "1.0", "Timestamp R!S Time"},
		{"/10/0/11", "1.1", "Activated Profile Names R!M Objlnk"},
		{"/10/0/14", "1.1", "Release Assistance Indication Usage RWS Unsigned Integer 0..255"},
		{"/16/0/0", "1.0", "Identity RW!M String"},
		{"/19/0/0", "1.0", "Data RW!M Opaque"},
		{"/33629/0/5", "1.0", "Update Result R!S Integer 0..13"},
		{"/33629/0/16", "1.0", "Linked Instances RM Objlnk"},
		{"/3303/0/5700", "1.0", "Sensor Value R!S Float"},
		{"/3303/0/5518", "1.1", "Timestamp RS Time"},
		{"/3303/0/6050", "1.1", "Fractional Timestamp RS Float 0..1 s"},
		{"/3311/0/5850", "1.0", "On/Off RW!S Boolean"},
		{"/3308/0/5900", "1.0", "Set Point Value RW!S Float"},
		{"/3200/0/5500", "1.0", "Digital Input State R!S Boolean"},
	} {
		p, err := lwm2m.ParsePath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := lwm2m.ParseVersion(c.version)
		if err != nil {
			t.Fatal(err)
		}
		o := Core().Object(p.Object(), v)
		if o == nil || o.Version != v {
			t.Errorf("object %d version %s is missing", p.Object(), v)
			continue
		}
		r := o.Resource(p.Resource())
		if r == nil {
			t.Errorf("%s of version %s is missing", c.path, v)
			continue
		}
		if got := describe(r); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s of version %s is %q, want %q", c.path, v, got, c.want)
		}
	}
}

// describe is name, operations, ! for mandatory, S or M, type, range, units.
func describe(r *Resource) string {
	ops := r.Operations.String()
	if ops == "" {
		ops = "-"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s%s%s %s %s", r.Name, ops, either(r.Mandatory, "!", ""), either(r.Multiple, "M", "S"), r.Type,
		strings.TrimSpace(r.Range+" "+r.Units)))
}

// TestCoreEqualsTheFacts compares the decoded registry with the fact files,
// member by member.
func TestCoreEqualsTheFacts(t *testing.T) {
	count := 0
	for _, name := range []string{"facts/registry.json", "facts/33629.json"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var facts []struct {
			ID                        uint16
			Version, Name, URN, LwM2M string
			Multiple, Mandatory       bool
			Resources                 []struct {
				ID                           uint16
				Name, Ops, Type, Range, Unit string
				Multiple, Mandatory          bool
			}
		}
		if err := json.Unmarshal(b, &facts); err != nil {
			t.Fatal(err)
		}
		for _, f := range facts {
			count++
			v, _ := lwm2m.ParseVersion(f.Version)
			o := Core().Object(f.ID, v)
			if o == nil || o.Version.String() != f.Version || o.LwM2MVersion.String() != f.LwM2M || o.URN != f.URN ||
				o.Multiple != f.Multiple || o.Mandatory != f.Mandatory || len(o.Resources) != len(f.Resources) {
				t.Errorf("object %d version %s is %+v", f.ID, f.Version, o)
				continue
			}
			for _, fr := range f.Resources {
				r := o.Resource(fr.ID)
				kind, err := lwm2m.ParseKind(fr.Type)
				if r == nil || err != nil || r.Operations.String() != fr.Ops || r.Type != kind || r.Multiple != fr.Multiple || r.Mandatory != fr.Mandatory ||
					r.Name != clean(fr.Name) || r.Range != clean(fr.Range) || r.Units != clean(fr.Unit) || r.Description != "" {
					t.Errorf("/%d/x/%d version %s is %+v, want %+v", f.ID, fr.ID, f.Version, r, fr)
				}
			}
		}
	}
	if all := Core().Objects(); len(all) != count || count != 300 {
		t.Errorf("%d objects, %d facts, want 300 of each", len(all), count)
	}
}

func clean(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestCoreIsShared(t *testing.T) {
	if first, second := Core(), Core(); first != second {
		t.Error("Core decodes twice")
	}
}

func TestBrokenTSV(t *testing.T) {
	const object = "3\t1.0\t1.0\t!\tDevice\turn\t\n"
	if _, err := parseTSV(object + "\t4\tE!\t\tReboot\t\t\n"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"3\t1.0\n", "\t4\tE!\t\tReboot\t\t\n", "x\t1.0\t1.0\t\tN\tu\t\n", "3\t1\t1.0\t\tN\tu\t\n", "3\t1.0\tx\t\tN\tu\t\n",
		object + "\tx\tE!\t\tReboot\t\t\n", object + "\t4\tQ!\t\tReboot\t\t\n", object + "\t4\tR\tText\tReboot\t\t\n",
	} {
		if _, err := parseTSV(text); err == nil || !strings.Contains(err.Error(), "line") {
			t.Errorf("parseTSV(%q): %v, want an error with the line", text, err)
		}
	}
}

func BenchmarkDecodeCore(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		objects, err := parseTSV(objectsTSV)
		if err != nil {
			b.Fatal(err)
		}
		NewRegistry(objects...)
	}
}
