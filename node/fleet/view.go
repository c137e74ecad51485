package fleet

import (
	"fmt"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/listing"
)

// view shows what is committed.
type view struct {
	env   *endpoint.Env
	state endpoint.State // of all shards; env.State is what is here

	outages *outages // shared by all views
}

// request is a view for one list: it shows at least what was committed before.
func (v view) request() view { return view{v.env, listing.Request(v.state), v.outages} }

func (v view) get(shard ids.Shard, class wire.Class, key []byte) (value []byte, found bool, err error) {
	value, found, err = v.state.Get(shard, class, key, nil)
	if err != nil {
		return nil, false, fmt.Errorf("fleet: read %c record of shard %d: %w", class, shard, err)
	}
	return value, found, nil
}
