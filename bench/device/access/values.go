package access

import (
	"math/big"
	"strings"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
	"dormouse/codec/query"

	"dormouse/bench/device/objects"
)

// maxItems bounds the resource instances of a resource.
const maxItems = 64

// checkValue is 4.00 for a value of the wrong shape, type or range.
func checkValue(d *model.Resource, n lwm2m.Node) coap.Code {
	empty := n.Value.Kind() == lwm2m.KindNone
	switch {
	case d.Multiple != n.Path.IsResourceInstance() && !(d.Multiple && empty):
		return coap.BadRequest
	case empty && !d.Multiple:
		return coap.BadRequest
	case !empty && n.Value.Kind() != d.Type:
		return coap.BadRequest
	case !empty && !inRange(d, n.Value):
		return coap.BadRequest
	}
	return coap.Empty
}

// checkBinding is 4.00 for transport bindings that the enabler does not have, or
// without the one that this device speaks.
func checkBinding(n lwm2m.Node, version lwm2m.Version) coap.Code {
	r := query.Registration{Version: version, Binding: n.Value.Text(), HasBinding: true}
	if r.Validate(version) != nil || !strings.Contains(r.Binding, "U") {
		return coap.BadRequest
	}
	return coap.Empty
}

// checkLimits is 4.00 for an instance that grew beyond what a device holds.
func checkLimits(instance *objects.Instance) coap.Code {
	for _, r := range instance.Resources {
		if len(r.Items) > maxItems {
			return coap.BadRequest
		}
	}
	return coap.Empty
}

// inRange compares with the range of the definition: of the value for numbers,
// of the length in bytes for texts. What is printed in another way than "0..100"
// is no rule.
func inRange(d *model.Resource, v lwm2m.Value) bool {
	low, high, ok := parseRange(d.Range)
	if !ok {
		return true
	}
	var x *big.Rat
	switch v.Kind() {
	case lwm2m.KindInteger:
		x = new(big.Rat).SetInt64(v.Int())
	case lwm2m.KindUnsigned:
		x = new(big.Rat).SetUint64(v.Uint())
	case lwm2m.KindFloat:
		if x = new(big.Rat).SetFloat64(v.Float64()); x == nil {
			return false // infinite, or no number
		}
	case lwm2m.KindString, lwm2m.KindOpaque:
		x = new(big.Rat).SetInt64(int64(len(v.Text())))
	default:
		return true
	}
	return x.Cmp(low) >= 0 && x.Cmp(high) <= 0
}

// parseRange reads "-110..-48", "0-65535" and "0..255 bytes".
func parseRange(s string) (low, high *big.Rat, ok bool) {
	s = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), " bytes")
	from, to, dotted := strings.Cut(s, "..")
	if !dotted {
		from, to, dotted = strings.Cut(s, "-")
	}
	if !dotted {
		return nil, nil, false
	}
	low, ok1 := new(big.Rat).SetString(from)
	high, ok2 := new(big.Rat).SetString(to)
	return low, high, ok1 && ok2
}
