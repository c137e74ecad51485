package provision

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// valid holds a value against the keywords that Schema uses. Any other keyword
// fails the test, so that it cannot say something that nothing looks at.
func valid(t *testing.T, schema map[string]any, v any) bool {
	t.Helper()
	number, isNumber := v.(float64)
	text, isText := v.(string)
	object, isObject := v.(map[string]any)
	all := func(list any, want int) bool { // want: how many at least must hold, -1 all
		held := 0
		for _, s := range list.([]any) {
			if valid(t, s.(map[string]any), v) {
				held++
			}
		}
		return held == len(list.([]any)) || want >= 0 && held >= want
	}
	for keyword, rule := range schema {
		good := true
		switch keyword {
		case "$schema", "title", "description", "default", "format", "examples", "writeOnly", "x-column", "x-unit", "then":
		case "type":
			kind := map[string]bool{"string": isText, "object": isObject, "integer": isNumber && number == float64(int64(number))}
			_, kind["boolean"] = v.(bool)
			_, kind["array"] = v.([]any)
			good = kind[rule.(string)]
		case "enum":
			good = slices.Contains(rule.([]any), v)
		case "const":
			good = reflect.DeepEqual(rule, v)
		case "minimum":
			good = !isNumber || number >= rule.(float64)
		case "maximum":
			good = !isNumber || number <= rule.(float64)
		case "maxLength":
			good = !isText || utf8.RuneCountInString(text) <= int(rule.(float64))
		case "pattern":
			good = !isText || regexp.MustCompile(rule.(string)).MatchString(text)
		case "maxItems":
			list, isList := v.([]any)
			good = !isList || len(list) <= int(rule.(float64))
		case "items":
			list, _ := v.([]any)
			for _, item := range list {
				good = good && valid(t, rule.(map[string]any), item)
			}
		case "properties":
			for name, s := range rule.(map[string]any) {
				if member, found := object[name]; found {
					good = good && valid(t, s.(map[string]any), member)
				}
			}
		case "required":
			for _, name := range rule.([]any) {
				_, found := object[name.(string)]
				good = good && (!isObject || found)
			}
		case "anyOf":
			good = all(rule, 1)
		case "allOf":
			good = all(rule, -1)
		case "not":
			good = !valid(t, rule.(map[string]any), v)
		case "if":
			good = !valid(t, rule.(map[string]any), v) || valid(t, schema["then"].(map[string]any), v)
		default:
			t.Errorf("keyword %s", keyword)
		}
		if !good {
			return false
		}
	}
	return true
}

// TestSchema: what it refuses is refused by Parse, and what it takes is taken,
// but for the rules that it cannot have.
func TestSchema(t *testing.T) {
	text := Schema(Rules{MaxRequestTimeout: time.Minute})
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !strings.Contains(string(text), `"lwm2mRequestTimeout":{"type":"integer","description":"Time`) || !strings.Contains(string(text), `"minimum":10000,"maximum":60000,"x-column":"lwm2mRequestTimeout","x-unit":"ms"`) {
		t.Errorf("%s", text)
	}
	keys := strings.NewReplacer(`"lwm2mPskId":"i"`, `"lwm2mPskId":"i","lwm2mPskKey":"`+hexKey+`"`, `"bootstrapPskId":"bi"`, `"bootstrapPskId":"bi","bootstrapPskKey":"00"`)
	whole := keys.Replace(everythingJSON)
	psk := `"lwm2mPskId":"i","lwm2mPskKey":"` + hexKey + `"`
	for _, tc := range []struct {
		body          string
		schema, parse bool
	}{
		{whole, true, true},
		{strings.NewReplacer(`"serverSecurity":{`, "", `"bootstrapSecurity":{`, "", `},`, ",").Replace(whole), true, true},
		{`{"endpointId":"e","securityMode":"NO_SEC"}`, true, true},
		{`{"endpointId":"e","serverSecurity":{"securityMode":"NO_SEC"},"servers":[{"uri":"coap://h","shortServerId":5,"security":{"securityMode":"NO_SEC"}}]}`, true, true},
		{`{"securityMode":"NO_SEC"}`, false, false},
		{`{"endpointId":"e"}`, false, false},
		{`{"endpointId":"e","serverSecurity":{}}`, false, false},
		{`{"endpointId":"e","securityMode":"NO_SEC",` + psk + `}`, false, false},
		{`{"endpointId":"e","serverSecurity":{"securityMode":"NO_SEC",` + psk + `}}`, false, false},
		{`{"endpointId":"e","securityMode":"PSK",` + psk + `,"bootstrapSecurity":{"bootstrapSecurityMode":"NO_SEC","bootstrapPskId":"b"}}`, false, false},
		{`{"endpointId":"e","securityMode":"PSK",` + psk + `}`, true, true},
		{`{"endpointId":"e","securityMode":"PSK","lwm2mPskId":"i","lwm2mPskKey":"000"}`, false, false},
		{`{"endpointId":"e","securityMode":"X509"}`, false, false},
		{`{"endpointId":"e","securityMode":"NO_SEC","lwm2mRequestTimeout":60001}`, false, false},
		{`{"endpointId":"e","securityMode":"NO_SEC","disableTimeout":true}`, false, false},
		{`{"endpointId":"e","securityMode":"NO_SEC","serverPublicKey":"?"}`, false, false},
		{`{"endpointId":"e","securityMode":"NO_SEC","servers":[{"shortServerId":5}]}`, false, false},
		{`{"endpointId":"e","securityMode":"NO_SEC","binaryDeliveryEncoding":"XML"}`, true, true},
		// Rules and forms that are Parse's alone.
		{`{"endpointId":"e","securityMode":"PSK"}`, true, false},
		{`{"endpointId":"e","securityMode":"NO_SEC","generateBootstrapServerConfig":true}`, true, false},
		{`{"endpointId":"e","securityMode":"psk",` + psk + `}`, false, true},
		{`{"endpointId":"e","securityMode":"NO_SEC","registrationLifetime":"60"}`, false, true},
	} {
		var v any
		if err := json.Unmarshal([]byte(tc.body), &v); err != nil {
			t.Fatal(err)
		}
		_, _, err := Parse([]byte(tc.body), Rules{time.Minute})
		if got := valid(t, schema, v); got != tc.schema || (err == nil) != tc.parse {
			t.Errorf("%s: the schema says %v, Parse %v", tc.body, got, err)
		}
	}
	properties := schema["properties"].(map[string]any)
	for _, f := range Fields() {
		property, found := properties[f.Name].(map[string]any)
		if found != (f.Need != NeedLater) || found && (property["description"] != f.Description || property["x-column"] != f.Column || f.Default != "" && fmt.Sprint(property["default"]) != f.Default) {
			t.Errorf("%s is %v", f.Name, property)
		}
	}
}
