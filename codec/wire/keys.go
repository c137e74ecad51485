package wire

import (
	"encoding/binary"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
)

// EndpointKey is the key of ClassRegistration and ClassContact.
func EndpointKey(e ids.Endpoint) []byte { return e.Append(make([]byte, 0, 8)) }

// ValueKey is the key of ClassValue: endpoint(8) path. With the root as path
// it is the prefix of all values of the endpoint (drop its last byte).
func ValueKey(e ids.Endpoint, p lwm2m.Path) []byte {
	return lwm2m.AppendPath(e.Append(make([]byte, 0, 17)), p)
}

// OperationKey is the key of ClassOperation.
func OperationKey(o ids.Operation) []byte { return o.Append(make([]byte, 0, 8)) }

// DeviceOperationKey is the key of ClassActive and ClassByDevice.
func DeviceOperationKey(e ids.Endpoint, o ids.Operation) []byte {
	return o.Append(e.Append(make([]byte, 0, 16)))
}

// ObjectKey is the key of ClassObject.
func ObjectKey(o ids.Object) []byte { return o.Append(make([]byte, 0, 8)) }

// TimerKey is the key of ClassTimer. Deadlines are whole milliseconds.
func TimerKey(at time.Time, e ids.Endpoint) []byte {
	return e.Append(binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(at.UnixMilli())))
}

// ParseTimerKey reads a key of ClassTimer.
func ParseTimerKey(key []byte) (at time.Time, e ids.Endpoint, err error) {
	if len(key) != 16 {
		return time.Time{}, 0, ErrBatch
	}
	e, err = ids.ParseEndpoint(key[8:])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(key))), e, err
}

// ClaimKey is the key of ClassClaim, in the shard of the identity.
func ClaimKey(i ids.Identity) []byte { return i.Append(make([]byte, 0, 8)) }

// PrefixEnd is the smallest key above all that begin with prefix; nil where
// there is none.
func PrefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}
