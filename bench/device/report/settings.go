package report

import (
	"math/big"
	"slices"
	"strconv"
	"time"

	"dormouse/codec/query"
)

// Settings are the attributes that govern one observation. The zero value tells
// every change at once.
type Settings struct {
	MinPeriod, MaxPeriod time.Duration // pmin, pmax; MaxPeriod 0: for ever
	MinEvaluation        time.Duration // epmin
	MaxEvaluation        time.Duration // epmax; 0: none
	Confirmable          *bool         // con; nil: as the device likes
	History              int           // hqmax, in records
}

// Records that an observation stores where nothing is said, and at most.
const (
	usualHistory = 8
	mostHistory  = 64
)

// Default are the periods of the server object, which hold where no attribute
// does (/1/x/2 and /1/x/3).
type Default struct{ MinPeriod, MaxPeriod time.Duration }

// SettingsOf combines what holds at each path of an observation: the longest of
// the shortest periods and the shortest of the longest, so that one notification
// suits all of them (OMA Core 6.4.2). The defaults stand in for what none of the
// paths has. A pmax below pmin is ignored, as is 0.
func SettingsOf(sets [][]query.Attribute, d Default) Settings {
	out := Settings{History: usualHistory}
	if !given(sets, "pmin") {
		out.MinPeriod = d.MinPeriod
	}
	if !given(sets, "pmax") {
		out.MaxPeriod = d.MaxPeriod
	}
	for _, set := range sets {
		out.MinPeriod = max(out.MinPeriod, seconds(set, "pmin"))
		out.MaxPeriod = shorter(out.MaxPeriod, seconds(set, "pmax"))
		out.MinEvaluation = max(out.MinEvaluation, seconds(set, "epmin"))
		out.MaxEvaluation = shorter(out.MaxEvaluation, seconds(set, "epmax"))
		if v, ok := find(set, "con"); ok {
			con := v == "1" || out.Confirmable != nil && *out.Confirmable
			out.Confirmable = &con
		}
		if v, ok := find(set, "hqmax"); ok {
			n, _ := strconv.ParseUint(v, 10, 32)
			out.History = int(min(n, mostHistory))
		}
	}
	if out.MaxPeriod < out.MinPeriod {
		out.MaxPeriod = 0
	}
	return out
}

// shorter takes 0 for "never".
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

func find(set []query.Attribute, name string) (value string, ok bool) {
	for _, a := range set {
		if a.Name == name && !a.Remove {
			return a.Value, true
		}
	}
	return "", false
}

// given reports an attribute that one of the sets has.
func given(sets [][]query.Attribute, name string) bool {
	return slices.ContainsFunc(sets, func(set []query.Attribute) bool {
		_, ok := find(set, name)
		return ok
	})
}

// seconds is the value of a period, 0 where it is not set.
func seconds(set []query.Attribute, name string) time.Duration {
	v, _ := find(set, name)
	n, _ := strconv.ParseUint(v, 10, 32)
	return time.Duration(n) * time.Second
}

// rational is the value of gt, lt or st, nil where it is not set. Rationals
// compare 64-bit values exactly.
func rational(set []query.Attribute, name string) *big.Rat {
	v, ok := find(set, name)
	if !ok {
		return nil
	}
	r, _ := new(big.Rat).SetString(v)
	return r
}
