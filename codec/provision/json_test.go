package provision

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dormouse/codec/platform"
)

func equal(a, b Device) bool { return reflect.DeepEqual(a, b) }

// reasons writes faults as "name reason", one each.
func reasons(err error) (list []string) {
	var faults Faults
	if !errors.As(err, &faults) && err != nil {
		return []string{err.Error()}
	}
	for _, f := range faults {
		list = append(list, f.Name+" "+f.Reason)
	}
	return list
}

var hexKey = "000102030405060708090a0b0c0d0e0f"

func key16() Key {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(i)
	}
	return NewKey(b)
}

// everything is a device with all fields, none as its default is; its key are
// those of TestNestedAndFlat.
func everything() Device {
	return Device{
		Endpoint: "urn:e", Name: "n", Type: "t", Path: "a/b", Mode: PSK, PSKID: "i", PSKKey: key16(), BootstrapMode: PSK, BootstrapPSKID: "bi", BootstrapPSKKey: key16(),
		ServerURI: "coaps://h:5784", GenerateBootstrapServer: Some(true), BootstrapShortServerID: Some[uint16](7), Lifetime: Some(60 * time.Second), MinPeriod: Some(time.Duration(0)),
		MaxPeriod: Some(time.Hour), ServerPublicKey: []byte{1, 0xab}, ShortServerID: Some[uint16](2), SecurityInstanceOffset: Some[uint16](3), Binding: BindingUQ,
		AwakeTime: Some(1500 * time.Millisecond), NotificationStoring: Some(false), DisableTimeout: Some(5 * time.Second), RequestTimeout: Some(10 * time.Second),
		BinaryEncoding: BinaryTLV, ResourceTimestamps: Some(true), Serialization: SerializeCBOR, RetainOldValues: Some(false), Delivery: DeliverBoth, Protocol: ProtocolHTTPS,
		Reset: ResetPackageURI, ResetOnStart: Some(false), FirmwareURL: "http://f/x?y=1", DisableFirmware: Some(true), AvailabilityInterval: Some(5 * time.Minute),
		AutoAvailabilityInterval: Some(false), DisableBuiltInActions: Some(true), LogLevel: LogVerbose,
	}
}

const everythingJSON = `{"endpointId":"urn:e","name":"n","type":"t","path":"a/b","serverSecurity":{"securityMode":"PSK","lwm2mPskId":"i"},` +
	`"bootstrapSecurity":{"bootstrapSecurityMode":"PSK","bootstrapPskId":"bi"},"lwm2mServerUri":"coaps://h:5784","generateBootstrapServerConfig":true,` +
	`"bootstrapShortServerId":7,"registrationLifetime":60,"defaultMinimumPeriod":0,"defaultMaximumPeriod":3600,"serverPublicKey":"01ab","lwm2mShortServerId":2,` +
	`"securityInstanceOffset":3,"bindingMode":"UQ","awakeTimeRegistrationParameter":1500,"notificationIfDisabled":false,"disableTimeout":5,"lwm2mRequestTimeout":10000,` +
	`"binaryDeliveryEncoding":"TLV","enableResourceLevelTimestamp":true,"serializationFormat":"CBOR","c8y_GenericUI_retainOldValuesIfError":false,` +
	`"fwUpdateDeliveryMethod":"BOTH","fwUpdateSupportedDeviceProtocol":"HTTPS","fwUpdateResetMechanism":"PACKAGE_URI","fwResetStateMachineOnStart":false,` +
	`"fwUpdateURL":"http://f/x?y=1","disableFirmwareStateMachine":true,"availabilityRequiredInterval":5,"autoManageAvailabilityRequiredInterval":false,` +
	`"disableInternalObjectInstanceActions":true,"logLevel":"VERBOSE"}`

func TestNestedAndFlat(t *testing.T) {
	want := everything()
	nested := strings.Replace(everythingJSON, `"lwm2mPskId":"i"`, `"lwm2mPskId":"i","lwm2mPskKey":"`+hexKey+`"`, 1)
	nested = strings.Replace(nested, `"bootstrapPskId":"bi"`, `"bootstrapPskId":"bi","bootstrapPskKey":"`+strings.ToUpper(hexKey)+`"`, 1)
	flat := strings.NewReplacer(`"serverSecurity":{`, "", `"bootstrapSecurity":{`, "", `},`, ",").Replace(nested)
	// As a form sends it: all values are strings, choices in either case.
	form := strings.NewReplacer(":true", `:"true"`, ":false", `:"FALSE"`, ":60,", `:"60",`, ":0,", `:"0",`, `"PSK"`, `"psk"`, ":5,", `:"5",`, ":null", `:""`).Replace(flat)
	both := strings.Replace(nested, "{", `{"securityMode":"PSK","bootstrapPskId":"bi",`, 1)
	for name, body := range map[string]string{"nested": nested, "flat": flat, "form": form, "both": both} {
		if got, unknown, err := Parse([]byte(body), Rules{}); err != nil || len(unknown) > 0 || !equal(got, want) {
			t.Errorf("%s: %+v, %v, %v", name, got, unknown, err)
		}
	}
	if got := string(want.AppendJSON(nil)); got != everythingJSON {
		t.Errorf("written as\n%s, want\n%s", got, everythingJSON)
	}
	if faults := want.Check(Rules{}); faults != nil {
		t.Error(faults)
	}
}

func TestServers(t *testing.T) {
	const list = `"servers":[{"uri":"coaps://a","shortServerId":1,"lifetime":60,"pmin":1,"pmax":2,"disableTimeout":3,"binding":"U","storeNotifications":true},` +
		`{"uri":"coap://b","shortServerId":2,"security":{"securityMode":"NO_SEC"}},{"uri":"coaps://c:1","shortServerId":3,"security":{"securityMode":"PSK","lwm2mPskId":"ci"}}]`
	body := `{"endpointId":"e","serverSecurity":{"securityMode":"PSK_GENERATED"},"registrationLifetime":90,` + list + `}`
	d, unknown, err := Parse([]byte(strings.Replace(body, `"ci"`, `"ci","lwm2mPskKey":"`+hexKey+`"`, 1)), Rules{})
	if err != nil || unknown != nil {
		t.Fatal(unknown, err)
	}
	if got, want := string(d.AppendJSON(nil)), `{"endpointId":"e","serverSecurity":{"securityMode":"PSK_GENERATED"},"registrationLifetime":90,`+list+`}`; got != want {
		t.Error(got)
	}
	d.PSKKey = NewKey([]byte("made")) // by whoever makes keys
	want := []Server{
		{URI: "coaps://a", ShortServerID: Some[uint16](1), Lifetime: Some(time.Minute), MinPeriod: Some(time.Second), MaxPeriod: Some(2 * time.Second), DisableTimeout: Some(3 * time.Second),
			Binding: BindingU, NotificationStoring: Some(true), Security: Security{PSKGenerated, "e", NewKey([]byte("made"))}},
		{URI: "coap://b", ShortServerID: Some[uint16](2), Lifetime: Some(90 * time.Second), Security: Security{Mode: NoSec}},
		{URI: "coaps://c:1", ShortServerID: Some[uint16](3), Lifetime: Some(90 * time.Second), Security: Security{PSK, "ci", key16()}},
	}
	if got := d.LwM2MServers(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if d.Check(Rules{}) != nil || !d.HasBootstrap() || d.BootstrapSecurity() != NoSec || d.Identity() != "e" || d.BootstrapIdentity() != "" {
		t.Errorf("%v, %v", d.Check(Rules{}), d)
	}
	bare := d.WithoutKeys()
	if !bare.PSKKey.IsZero() || !bare.Servers[2].Security.PSKKey.IsZero() || d.Servers[2].Security.PSKKey.IsZero() {
		t.Error("keys are left, or taken from the wrong device")
	}
	one := Device{Endpoint: "e", Mode: NoSec, ServerURI: "coap://h"}
	if got := one.LwM2MServers(); len(got) != 1 || got[0].URI != "coap://h" || got[0].ShortServerID.Value != 1 || got[0].Security.Mode != NoSec {
		t.Errorf("%+v", got)
	}
	if got := (&Device{Endpoint: "e"}).LwM2MServers(); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestUnknownMembers(t *testing.T) {
	_, unknown, err := Parse([]byte(`{"endpointId":"e","x":{"y":1},"serverSecurity":{"securityMode":"NO_SEC","bootstrapPskId":"b","z":0},"EndpointId":"f","servers":[{"uri":"coap://h","w":1,"security":{"v":1}}]}`), Rules{})
	if want := []string{"servers[0].w", "servers[0].security.v", "x", "serverSecurity.bootstrapPskId", "serverSecurity.z", "EndpointId"}; err != nil || !slices.Equal(unknown, want) {
		t.Errorf("%q, %v", unknown, err)
	}
}

func TestNoObject(t *testing.T) {
	for body, want := range map[string]error{"": platform.ErrSyntax, "[]": platform.ErrShape, "{": platform.ErrSyntax, "null": platform.ErrShape, `{"a":1,"a":2}`: platform.ErrShape,
		"{\"endpointId\":\"\xff\"}": platform.ErrSyntax, `{"a":"` + strings.Repeat("a", platform.MaxBody) + `"}`: platform.ErrBounds} {
		if _, _, err := Parse([]byte(body), Rules{}); !errors.Is(err, want) {
			t.Errorf("%.40s: %v", body, err)
		}
	}
}

// TestChange: what is not named stays, null takes away, and a fault changes nothing.
func TestChange(t *testing.T) {
	d := everything()
	changed, unknown, err := d.Change([]byte(`{"registrationLifetime":"0","name":null,"type":"","bootstrapSecurity":null,"securityMode":"NO_SEC","serverSecurity":{"lwm2mPskId":null,"lwm2mPskKey":null},"lwm2mServerUri":"coap://h","x":1}`), Rules{})
	want := everything()
	want.Lifetime, want.Name, want.Type, want.BootstrapMode, want.BootstrapPSKID, want.BootstrapPSKKey = Some(time.Duration(0)), "", "", "", "", Key{}
	want.Mode, want.PSKID, want.PSKKey, want.ServerURI = NoSec, "", Key{}, "coap://h"
	if err != nil || !equal(changed, want) || !slices.Equal(unknown, []string{"x"}) || !equal(d, everything()) {
		t.Errorf("%+v, %v, %v", changed, unknown, err)
	}
	changed, _, err = d.Change([]byte(`{"securityMode":"NO_SEC","logLevel":"loud"}`), Rules{})
	if got := reasons(err); len(got) != 4 || !equal(changed, d) {
		t.Errorf("%q, %+v", got, changed)
	}
	// A key that was made stays, one that is given is refused.
	g := Device{Endpoint: "e", Mode: PSKGenerated, ServerURI: "coaps://h", PSKKey: key16()}
	if changed, _, err := g.Change([]byte(`{"logLevel":"traffic"}`), Rules{}); err != nil || changed.LogLevel != LogTraffic || !changed.PSKKey.Equal(g.PSKKey) {
		t.Errorf("%+v, %v", changed, err)
	}
	if _, _, err := g.Change([]byte(`{"lwm2mPskKey":"00"}`), Rules{}); len(reasons(err)) != 1 {
		t.Error(err)
	}
	// The key of another mode is not one that was made.
	g.Mode, g.PSKID, g.BootstrapMode = PSK, "e", NoSec
	if _, _, err := g.Change([]byte(`{"securityMode":"PSK_GENERATED"}`), Rules{}); len(reasons(err)) != 1 {
		t.Error(err)
	}
	if _, _, err := g.Change([]byte(`{"securityMode":"PSK_GENERATED","lwm2mPskKey":null}`), Rules{}); err != nil {
		t.Error(err)
	}
}

func TestCheckFindsWhatCodeDid(t *testing.T) {
	d := everything()
	d.Lifetime, d.FirmwareURL, d.LogLevel, d.RequestTimeout = Some(-time.Second), "ftp://x", "LOUD", Some(time.Hour)
	d.Servers = []Server{{URI: "coaps://a", Binding: "X"}}
	want := []string{"registrationLifetime must be a whole number of seconds from 0 to 4294967295", "lwm2mRequestTimeout must be a whole number of milliseconds from 10000 to 600000",
		"fwUpdateURL must begin with coap://, coaps://, http:// or https://", "logLevel must be NONE, LIFECYCLE, TRAFFIC, FIRMWARE or VERBOSE", "servers[0].binding must be U or UQ",
		"lwm2mServerUri must not be given together with servers"}
	if got := reasons(d.Check(Rules{})); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	d.Servers = []Server{{URI: "coaps://a", Binding: "uq"}}
	if d.Check(Rules{}); d.Servers[0].Binding != "uq" {
		t.Errorf("a look at the servers changed them: %+v", d.Servers)
	}
	d = everything()
	d.RequestTimeout = Some(time.Hour)
	if faults := d.Check(Rules{MaxRequestTimeout: time.Hour}); faults != nil {
		t.Error(faults)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(everythingJSON))
	f.Add([]byte(`{"endpointId":"e","serverSecurity":{"securityMode":"NO_SEC"},"servers":[{"uri":"coap://h","security":{}}]}`))
	f.Add([]byte(`{"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i","lwm2mPskKey":"00","serverPublicKey":"AAA="}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, _, err := Parse(body, Rules{})
		if err != nil {
			return
		}
		if faults := d.Check(Rules{}); faults != nil {
			t.Errorf("%s: accepted, and then %v", body, faults)
		}
		if again, unknown, err := d.Change(d.AppendJSON(nil), Rules{}); !ownKeys(d) && (err != nil || len(unknown) > 0 || !equal(again, d)) {
			t.Errorf("%s: %v, %v\n%+v\n%+v", body, unknown, err, again, d)
		}
		back, err := ParseRecord(d.AppendRecord(nil))
		if err == nil {
			err = back.SetKeys(d.AppendKeys(nil))
		}
		if err != nil || !equal(back, d) {
			t.Errorf("%s: record %+v, %v", body, back, err)
		}
	})
}

// ownKeys: servers are replaced as a whole, and have lost their keys in JSON.
func ownKeys(d Device) bool {
	return slices.ContainsFunc(d.Servers, func(s Server) bool { return !s.Security.PSKKey.IsZero() })
}
