package provision

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFaults has for each body the faults, in order, all of them.
func TestFaults(t *testing.T) {
	const missingPSK = "is missing, and mandatory for PSK"
	key := `"lwm2mPskId":"i","lwm2mPskKey":"` + hexKey + `"`
	noSec := `"endpointId":"e","securityMode":"NO_SEC"`
	psk := `"endpointId":"e","securityMode":"PSK",` + key
	generated := `"endpointId":"e","securityMode":"PSK_GENERATED","lwm2mServerUri":"coaps://h"`
	servers := func(list ...string) string {
		return `"endpointId":"e","securityMode":"NO_SEC","servers":[` + strings.Join(list, ",") + `]`
	}
	for _, tc := range []struct {
		body string // without braces
		want []string
	}{
		{"", []string{"endpointId is missing", "securityMode is missing"}},
		{noSec, nil},
		{`"endpointId":"","securityMode":null`, []string{"endpointId is missing", "securityMode is missing"}},
		{`"endpointId":5,"securityMode":true`, []string{"endpointId must be a string", "securityMode must be a string"}},
		{`"endpointId":"` + strings.Repeat("e", 1025) + `","securityMode":"NO_SEC"`, []string{"endpointId has 1025 bytes, at most 1024"}},
		{`"endpointId":"` + strings.Repeat("e", 1024) + `","securityMode":"NO_SEC"`, nil},
		{`"endpointId":"e","securityMode":"X509"`, []string{"securityMode is X509, which is not supported yet; it may be NO_SEC, PSK or PSK_GENERATED"}},
		{`"endpointId":"e","securityMode":"RPK",` + key, []string{"securityMode must be NO_SEC, PSK or PSK_GENERATED"}},

		{psk, nil},
		{`"endpointId":"e","securityMode":"PSK"`, []string{"lwm2mPskId " + missingPSK, "lwm2mPskKey " + missingPSK}},
		{`"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i"`, []string{"lwm2mPskKey " + missingPSK}},
		{noSec + "," + key, []string{"lwm2mPskId must not be given for NO_SEC", "lwm2mPskKey must not be given for NO_SEC"}},
		{`"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i","lwm2mPskKey":"0g"`, []string{"lwm2mPskKey has characters that are no hex digits"}},
		{`"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i","lwm2mPskKey":"000"`, []string{"lwm2mPskKey has an odd number of hex digits"}},
		{`"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i","lwm2mPskKey":"00"`, nil},
		{`"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i","lwm2mPskKey":1234`, []string{"lwm2mPskKey must be a string"}},
		{`"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i","lwm2mPskKey":"` + strings.Repeat("00", 256) + `"`, nil},
		{`"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i","lwm2mPskKey":"` + strings.Repeat("00", 257) + `"`, []string{"lwm2mPskKey has 514 hex digits, must have 2 to 512"}},
		{`"endpointId":"e","securityMode":"PSK","lwm2mPskKey":"00","lwm2mPskId":"` + strings.Repeat("i", 513) + `"`, []string{"lwm2mPskId has 513 bytes, at most 512"}},

		{generated, nil},
		{generated + `,"lwm2mPskId":"e"`, nil},
		{generated + "," + key, []string{"lwm2mPskId is the endpoint id for PSK_GENERATED, and need not be given", "lwm2mPskKey must not be given for PSK_GENERATED, which makes one"}},
		{`"endpointId":"e","securityMode":"PSK_GENERATED"`, []string{"lwm2mServerUri is missing, and mandatory for a bootstrap"}},
		{strings.Replace(generated, `"e"`, `"`+strings.Repeat("e", 513)+`"`, 1), []string{"endpointId has 513 bytes, at most 512 where it is the identity of PSK_GENERATED"}},
		{generated + `,"bootstrapPskId":"b"`, []string{"bootstrapPskId must not be given for a bootstrap with NO_SEC"}},
		{generated + `,"bootstrapSecurityMode":"PSK","bootstrapPskId":"b","bootstrapPskKey":"00"`, nil},

		// A bootstrap account without a bootstrap is whole, or not there.
		{psk + `,"bootstrapPskId":"b","bootstrapPskKey":"00"`, nil},
		{psk + `,"bootstrapPskId":"i","bootstrapPskKey":"00"`, nil}, // one ID for both connections
		{psk + `,"bootstrapPskId":"b"`, []string{"bootstrapPskKey is missing, and mandatory for a bootstrap with PSK"}},
		{psk + `,"lwm2mServerUri":"coaps://h"`, []string{"bootstrapPskId is missing, and mandatory for a bootstrap with PSK", "bootstrapPskKey is missing, and mandatory for a bootstrap with PSK"}},
		{psk + `,"lwm2mServerUri":"coaps://h","bootstrapSecurityMode":"NO_SEC"`, nil},
		{psk + `,"bootstrapSecurityMode":"NO_SEC","bootstrapPskId":"b"`, []string{"bootstrapPskId must not be given for a bootstrap with NO_SEC"}},
		{psk + `,"bootstrapSecurityMode":"PSK"`, nil},
		{noSec + `,"bootstrapSecurityMode":"PSK","bootstrapPskId":"b","bootstrapPskKey":"00","lwm2mServerUri":"coap://h"`, nil},
		{noSec + `,"bootstrapSecurityMode":"PSK_GENERATED","bootstrapPskId":"b","bootstrapPskKey":"00"`, []string{"bootstrapSecurityMode must be NO_SEC or PSK"}},
		{noSec + `,"bootstrapSecurityMode":"X509"`, []string{"bootstrapSecurityMode is X509, which is not supported yet; it may be NO_SEC or PSK"}},
		{noSec + `,"generateBootstrapServerConfig":true`, []string{"lwm2mServerUri is missing, and mandatory for a bootstrap"}},
		{noSec + `,"generateBootstrapServerConfig":false`, nil},

		{noSec + `,"lwm2mServerUri":"coaps://h"`, []string{"lwm2mServerUri must begin with coap:// for NO_SEC"}},
		{generated[:len(generated)-len(`"coaps://h"`)] + `"coap://h"`, []string{"lwm2mServerUri must begin with coaps:// for PSK_GENERATED"}},
		{noSec + `,"lwm2mServerUri":"http://h"`, []string{"lwm2mServerUri must begin with coap:// or coaps://"}},
		{noSec + `,"lwm2mServerUri":"coap"`, []string{"lwm2mServerUri must begin with coap:// or coaps://"}},
		{noSec + `,"lwm2mServerUri":"coap://"`, []string{"lwm2mServerUri names no host"}},
		{noSec + `,"lwm2mServerUri":"coap://:5683"`, []string{"lwm2mServerUri names no host"}},
		{noSec + `,"lwm2mServerUri":"coap://h:0"`, []string{"lwm2mServerUri has a port that is not from 1 to 65535"}},
		{noSec + `,"lwm2mServerUri":"coap://h:65536"`, []string{"lwm2mServerUri has a port that is not from 1 to 65535"}},
		{noSec + `,"lwm2mServerUri":"coap://h:"`, []string{"lwm2mServerUri has a port that is not from 1 to 65535"}},
		{noSec + `,"lwm2mServerUri":"coap://h:x"`, []string{"lwm2mServerUri is no URI"}},
		{noSec + `,"lwm2mServerUri":"coap://a b"`, []string{"lwm2mServerUri is no URI"}},
		{noSec + `,"lwm2mServerUri":"coap://u:p@h"`, []string{"lwm2mServerUri must not hold a user"}},
		{noSec + `,"lwm2mServerUri":"coap://h#f"`, []string{"lwm2mServerUri must not have a fragment"}},
		{noSec + `,"lwm2mServerUri":"COAP://[2001:db8::1]:5783/rd?x"`, nil},
		{noSec + `,"lwm2mServerUri":"coap://` + strings.Repeat("h", 249) + `"`, []string{"lwm2mServerUri has 256 bytes, at most 255"}},

		{noSec + `,"disableTimeout":true`, []string{"disableTimeout is a number of seconds, not true or false"}},
		{noSec + `,"disableTimeout":"False"`, []string{"disableTimeout is a number of seconds, not true or false"}},
		{noSec + `,"disableTimeout":"60s"`, []string{"disableTimeout must be a whole number of seconds from 0 to 4294967295"}},
		{noSec + `,"registrationLifetime":-1`, []string{"registrationLifetime must be a whole number of seconds from 0 to 4294967295"}},
		{noSec + `,"registrationLifetime":1.5`, []string{"registrationLifetime must be a whole number of seconds from 0 to 4294967295"}},
		{noSec + `,"registrationLifetime":4294967296`, []string{"registrationLifetime must be a whole number of seconds from 0 to 4294967295"}},
		{noSec + `,"registrationLifetime":99999999999999999999`, []string{"registrationLifetime must be a whole number of seconds from 0 to 4294967295"}},
		{noSec + `,"registrationLifetime":{}`, []string{"registrationLifetime must be an integer"}},
		{noSec + `,"awakeTimeRegistrationParameter":true`, []string{"awakeTimeRegistrationParameter must be a whole number of milliseconds from 0 to 4294967295"}},
		{noSec + `,"lwm2mRequestTimeout":9999`, []string{"lwm2mRequestTimeout must be a whole number of milliseconds from 10000 to 600000"}},
		{noSec + `,"lwm2mRequestTimeout":600001`, []string{"lwm2mRequestTimeout must be a whole number of milliseconds from 10000 to 600000"}},
		{noSec + `,"lwm2mShortServerId":0,"bootstrapShortServerId":65535,"securityInstanceOffset":-1`, []string{"lwm2mShortServerId must be a whole number from 1 to 65534",
			"bootstrapShortServerId must be a whole number from 0 to 65534", "securityInstanceOffset must be a whole number from 0 to 65534"}},
		{noSec + `,"notificationIfDisabled":1,"generateBootstrapServerConfig":"yes"`, []string{"notificationIfDisabled must be true or false", "generateBootstrapServerConfig must be true or false"}},
		{noSec + `,"serverPublicKey":"xyz!"`, []string{"serverPublicKey is neither hex nor base64"}},
		{noSec + `,"serverPublicKey":"="`, []string{"serverPublicKey is neither hex nor base64"}},
		{noSec + `,"serverPublicKey":"` + strings.Repeat("00", 2049) + `"`, []string{"serverPublicKey has 2049 bytes, at most 2048"}},
		{noSec + `,"bindingMode":"UQS"`, []string{"bindingMode must be U or UQ"}},
		{noSec + `,"binaryDeliveryEncoding":"XML","serializationFormat":"EXI"`, nil},
		{noSec + `,"binaryDeliveryEncoding":7`, []string{"binaryDeliveryEncoding must be a string"}},
		{noSec + `,"fwUpdateURL":"file:///x","fwUpdateResetMechanism":"URI"`, []string{"fwUpdateURL must begin with coap://, coaps://, http:// or https://", "fwUpdateResetMechanism must be PACKAGE or PACKAGE_URI"}},
		{noSec + `,"x509ClientPrivateKey":"k","x509CertificateUsage":"CA_CONSTRAINT","x509ClientCertificate":""`, []string{"x509ClientPrivateKey is of X.509, which is not supported yet", "x509CertificateUsage is of X.509, which is not supported yet"}},

		{noSec + `,"serverSecurity":{"securityMode":"PSK"}`, []string{"securityMode is given twice, inside and outside of serverSecurity, with two values"}},
		{`"endpointId":"e","serverSecurity":"NO_SEC"`, []string{"serverSecurity must be an object, each of its members once", "securityMode is missing"}},
		{servers(`{"uri":"coap://a"}`), nil},
		{servers(`{"uri":"coap://a"}`, `{"uri":"coap://b"}`), []string{"servers[1].shortServerId is that of servers[0], too"}},
		{servers(`{"uri":"coap://a","shortServerId":"2"}`, `{"uri":"coaps://b","shortServerId":0}`, `7`), []string{"servers[1].shortServerId must be a whole number from 1 to 65534",
			"servers[2] must be an object, each of its members once", "servers[1].uri must begin with coap:// for NO_SEC", "servers[2].uri is missing"}},
		{servers(`{"uri":"coaps://a","security":{"securityMode":"PSK","lwm2mPskId":"i"}}`), []string{"servers[0].lwm2mPskKey " + missingPSK}},
		{servers(`{"uri":"coap://a","security":{"lwm2mPskId":"i","lwm2mPskKey":"00"}}`), []string{"servers[0].lwm2mPskId must not be given without a securityMode of PSK beside it", "servers[0].lwm2mPskKey must not be given without a securityMode of PSK beside it"}},
		{servers(`{"uri":"coap://a","security":{"securityMode":"X509","lwm2mPskId":"i"}}`), []string{"servers[0].securityMode is X509, which is not supported yet; it may be NO_SEC or PSK"}},
		{servers(`{"uri":"coap://a"}`) + `,"lwm2mServerUri":"coap://b"`, []string{"lwm2mServerUri must not be given together with servers"}},
		{noSec + `,"servers":{}`, []string{"servers must be a list"}},
		{servers(strings.Repeat(`{},`, 8) + `{}`), []string{"servers has 9 servers, at most 8"}},
		{noSec + `,"servers":[]`, nil},
	} {
		_, _, err := Parse([]byte("{"+tc.body+"}"), Rules{})
		if got := reasons(err); !slices.Equal(got, tc.want) {
			t.Errorf("%.200s\n got %q\nwant %q", tc.body, got, tc.want)
		}
	}
}

// TestRequestTimeout: the node's setting is the most.
func TestRequestTimeout(t *testing.T) {
	for _, tc := range []struct {
		most     time.Duration
		ms       int
		accepted bool
	}{
		{0, 600_000, true}, {0, 600_001, false}, {time.Minute, 60_000, true}, {time.Minute, 60_001, false}, {time.Hour, 3600_000, true},
		{time.Second, 10_000, true}, {time.Second, 10_001, false}, {1000 * time.Hour, 86400_000, true}, {1000 * time.Hour, 86400_001, false},
	} {
		body := fmt.Sprintf(`{"endpointId":"e","securityMode":"NO_SEC","lwm2mRequestTimeout":%d}`, tc.ms)
		if _, _, err := Parse([]byte(body), Rules{tc.most}); (err == nil) != tc.accepted {
			t.Errorf("%d ms of %v: %v", tc.ms, tc.most, err)
		}
	}
}

// TestLenient: what is no format is the default.
func TestLenient(t *testing.T) {
	d, _, err := Parse([]byte(`{"endpointId":"e","securityMode":"no_sec","binaryDeliveryEncoding":"XML","serializationFormat":"EXI"}`), Rules{})
	if err != nil || d.BinaryEncoding != BinaryOpaque || d.Serialization != "" || d.Mode != NoSec {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestServerPublicKey(t *testing.T) {
	for text, want := range map[string]string{"00fF": "\x00\xff", "AP8=": "\x00\xff", "AP8": "\x00\xff", "-_8": "\xfb\xff", "+/8=": "\xfb\xff", "abcd": "\xab\xcd", "ab\ncg==": "i\xb7\x20"} {
		d, _, err := Parse(fmt.Appendf(nil, `{"endpointId":"e","securityMode":"NO_SEC","serverPublicKey":%q}`, text), Rules{})
		if err != nil || string(d.ServerPublicKey) != want {
			t.Errorf("%q is %q, %v", text, d.ServerPublicKey, err)
		}
	}
}

func TestFaultTexts(t *testing.T) {
	f := Faults{{Column: "lwm2m psk_id", Name: "lwm2mPskId", Reason: "is missing"}, {Name: "servers[0].uri", Reason: "is no URI"}, {Reason: "has too few columns"}}
	if got := f.Error(); got != "provision: lwm2m psk_id is missing; servers[0].uri is no URI; has too few columns" {
		t.Error(got)
	}
	if (Faults{}).AsError() != nil || f.AsError() == nil {
		t.Error("no faults are an error, or some are none")
	}
}
