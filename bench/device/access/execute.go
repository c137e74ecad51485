package access

import (
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
	"dormouse/codec/query"

	"dormouse/bench/device/objects"
)

// Effect is what an Execute does beyond the objects.
type Effect uint8

// Effects.
const (
	NoEffect     Effect = iota
	Update              // send a registration update
	Disable             // de-register for a while
	Reboot              // restart with what was written
	FactoryReset        // restart as it left the factory
)

// Execute runs a resource: 2.04, 4.00, 4.01, 4.04 or 4.05.
func Execute(t *objects.Tree, p lwm2m.Path, arguments []query.Argument, now time.Time) (Effect, coap.Code) {
	if code := check(t, p); code != coap.Empty {
		return NoEffect, code
	}
	if !p.IsResource() || !allows(t.Definition(p), model.Execute) {
		return NoEffect, coap.MethodNotAllowed
	}
	run, ok := executables[lwm2m.NewPath(p.Object(), p.Resource())]
	if !ok {
		return NoEffect, coap.MethodNotAllowed
	}
	return run(execution{t, p.Prefix(2), arguments, now})
}

// execution is one Execute of a resource of the instance at.
type execution struct {
	tree      *objects.Tree
	at        lwm2m.Path
	arguments []query.Argument
	now       time.Time
}

func (x execution) set(resource uint16, v lwm2m.Value) { x.tree.Set(x.at.Child(resource), v) }

func (x execution) get(resource uint16) lwm2m.Value {
	return x.tree.Value(x.at.Child(resource), x.now)
}

// executables by object and resource.
var executables = map[lwm2m.Path]func(execution) (Effect, coap.Code){
	lwm2m.NewPath(1, 4):       always(Disable),
	lwm2m.NewPath(1, 8):       always(Update),
	lwm2m.NewPath(3, 4):       always(Reboot),
	lwm2m.NewPath(3, 5):       always(FactoryReset),
	lwm2m.NewPath(3, 12):      resetErrors,
	lwm2m.NewPath(5, 2):       installFirmware,
	lwm2m.NewPath(5, 10):      cancelFirmware,
	lwm2m.NewPath(7, 6):       count(true),
	lwm2m.NewPath(7, 7):       count(false),
	lwm2m.NewPath(9, 4):       installSoftware,
	lwm2m.NewPath(9, 6):       removeSoftware,
	lwm2m.NewPath(9, 10):      activate(true),
	lwm2m.NewPath(9, 11):      activate(false),
	lwm2m.NewPath(16, 1):      authenticate,
	lwm2m.NewPath(20, 4011):   startLog,
	lwm2m.NewPath(20, 4012):   stopLog,
	lwm2m.NewPath(3303, 5605): resetExtremes,
}

func always(e Effect) func(execution) (Effect, coap.Code) {
	return func(execution) (Effect, coap.Code) { return e, coap.Changed }
}

// resetErrors leaves the one code that says "no error".
func resetErrors(x execution) (Effect, coap.Code) {
	instance := x.tree.Instance(x.at)
	x.tree.Put(x.at.Object(), instance.With(objects.Resource{ID: 11, Items: []objects.Item{{Value: lwm2m.Integer(0)}}}))
	return NoEffect, coap.Changed
}

// count starts or stops the statistics of traffic, a start from zero.
func count(on bool) func(execution) (Effect, coap.Code) {
	return func(x execution) (Effect, coap.Code) {
		if traffic := x.tree.Sensors().Traffic; on {
			*traffic = objects.Traffic{Counting: true}
		} else {
			traffic.Counting = false
		}
		return NoEffect, coap.Changed
	}
}

// authenticate answers the challenge in argument 0 (object 16).
func authenticate(x execution) (Effect, coap.Code) {
	data := "challenge"
	for _, a := range x.arguments {
		if a.Digit == 0 && a.HasValue {
			data = a.Value
		}
	}
	x.set(2, lwm2m.Opaque([]byte(data)))
	x.set(3, lwm2m.Integer(1))
	return NoEffect, coap.Changed
}

// startLog begins to log, for ever or for the seconds of argument 0; the log
// says when it began (object 20).
func startLog(x execution) (Effect, coap.Code) {
	for _, a := range x.arguments {
		if a.Digit > 1 {
			return NoEffect, coap.BadRequest
		}
	}
	x.set(4013, lwm2m.Integer(1)) // bit 0: active
	x.set(4014, lwm2m.Opaque([]byte(x.now.UTC().Format(time.RFC3339))))
	return NoEffect, coap.Changed
}

func stopLog(x execution) (Effect, coap.Code) {
	x.set(4013, lwm2m.Integer(2)) // bit 1: data captured, bit 0: stopped
	return NoEffect, coap.Changed
}

func resetExtremes(x execution) (Effect, coap.Code) {
	instance := x.tree.Instance(x.at)
	for _, id := range []uint16{5601, 5602} {
		if r, ok := instance.Resource(id); ok && r.Signal.Writable() {
			instance = instance.With(r.With(objects.Item{Value: r.Signal.Written(lwm2m.Value{}, x.now)}))
		}
	}
	x.tree.Put(x.at.Object(), instance)
	return NoEffect, coap.Changed
}
