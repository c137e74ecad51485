package device

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"dormouse/codec/exchange"
	"dormouse/codec/lwm2m"

	"dormouse/bench/device/objects"
)

// Product is what all devices of one kind share. It never changes, so that they
// may run on several goroutines.
type Product struct {
	options Options
	models  map[lwm2m.Version]*generation
}

// generation is the product as it is in one enabler version.
type generation struct {
	profile *objects.Profile
	formats []lwm2m.Format // the best first
}

// NewProduct prepares devices. The error is a sentence about an option.
func NewProduct(o Options) (*Product, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	p := &Product{options: o, models: map[lwm2m.Version]*generation{}}
	for _, v := range []lwm2m.Version{lwm2m.V1_0, lwm2m.V1_1, lwm2m.V1_2} {
		if o.Version.Less(v) {
			break
		}
		profile, err := objects.NewProfile(v, o.Objects)
		if err != nil {
			return nil, fmt.Errorf("device: version %s: %w", v, err)
		}
		p.models[v] = &generation{profile, supported(v, o.Formats)}
	}
	return p, nil
}

// supported are the formats of a device, the best first. Text and octet-stream
// belong to all of them (OMA Core 7.4).
func supported(v lwm2m.Version, given []lwm2m.Format) []lwm2m.Format {
	var out []lwm2m.Format
	switch {
	case given != nil:
		out = append(slices.Clone(given), lwm2m.FormatOpaque, lwm2m.FormatText)
	case v == lwm2m.V1_0:
		return []lwm2m.Format{lwm2m.FormatOpaque, lwm2m.FormatText, lwm2m.FormatTLV, lwm2m.FormatJSON}
	default:
		out = []lwm2m.Format{
			lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLJSON, lwm2m.FormatTLV,
			lwm2m.FormatCBOR, lwm2m.FormatOpaque, lwm2m.FormatText,
		}
	}
	if given == nil && !v.Less(lwm2m.V1_2) {
		out = append([]lwm2m.Format{lwm2m.FormatLwM2MCBOR}, out...)
	}
	return out
}

// Client is a device with that endpoint name, which registers at start. The seed
// makes all its random choices.
func (p *Product) Client(endpoint string, seed uint64, start time.Time) *Client {
	c := &Client{product: p, endpoint: endpoint, seed: seed, at: start}
	c.random = *rand.NewPCG(seed, 0)
	c.mids.Last = uint16(c.random.Uint64())
	c.up = exchange.NewClient(p.options.Params)
	c.become(p.options.Version)
	return c
}
