package access

import (
	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"

	"dormouse/bench/device/objects"
)

// Resources, states and results of objects 5 and 9.
const (
	firmwarePackage, firmwareURI   = 0, 1
	firmwareState, firmwareResult  = 3, 5
	firmwareIdle, firmwareReady    = 0, 2
	resultInitial, resultSuccess   = 0, 1
	resultProtocol, resultCanceled = 9, 10

	softwarePackage, softwareState     = 2, 7
	softwareResult, softwareActive     = 9, 12
	softwareInitial, softwareDelivered = 0, 3
	softwareInstalled                  = 4
	resultDelivered                    = 3
)

// Received does what values that go in set off: a package is there at once and
// complete, an empty firmware package or a single zero byte resets, and a URI
// has a protocol that this device, which is pushed to, does not know (OMA Core
// E.6, objects 5 and 9).
func Received(t *objects.Tree, nodes []lwm2m.Node) {
	for _, n := range nodes {
		switch lwm2m.NewPath(n.Path.Object(), n.Path.Resource()) {
		case lwm2m.NewPath(5, firmwarePackage):
			receivedFirmware(t, n)
		case lwm2m.NewPath(5, firmwareURI):
			result := int64(resultInitial)
			if n.Value.Text() != "" {
				result = resultProtocol
			}
			setStates(t, n.Path, firmwareState, firmwareIdle, firmwareResult, result)
		case lwm2m.NewPath(9, softwarePackage):
			setStates(t, n.Path, softwareState, softwareDelivered, softwareResult, resultDelivered)
		}
	}
}

func receivedFirmware(t *objects.Tree, n lwm2m.Node) {
	state := int64(firmwareReady)
	if data := n.Value.Text(); data == "" || data == "\x00" {
		state = firmwareIdle
	}
	setStates(t, n.Path, firmwareState, state, firmwareResult, resultInitial)
}

// setStates sets state and result of the instance that p lies in.
func setStates(t *objects.Tree, p lwm2m.Path, stateID uint16, state int64, resultID uint16, result int64) {
	t.Set(p.Prefix(2).Child(stateID), lwm2m.Integer(state))
	t.Set(p.Prefix(2).Child(resultID), lwm2m.Integer(result))
}

// installFirmware needs an image. It ends with a reboot, and what it led to is
// seen behind that.
func installFirmware(x execution) (Effect, coap.Code) {
	if x.get(firmwareState).Int() != firmwareReady {
		return NoEffect, coap.MethodNotAllowed
	}
	x.set(firmwareState, lwm2m.Integer(firmwareIdle))
	x.set(firmwareResult, lwm2m.Integer(resultSuccess))
	return Reboot, coap.Changed
}

func cancelFirmware(x execution) (Effect, coap.Code) {
	if x.get(firmwareState).Int() != firmwareReady {
		return NoEffect, coap.MethodNotAllowed
	}
	x.set(firmwareState, lwm2m.Integer(firmwareIdle))
	x.set(firmwareResult, lwm2m.Integer(resultCanceled))
	return NoEffect, coap.Changed
}

func installSoftware(x execution) (Effect, coap.Code) {
	if x.get(softwareState).Int() != softwareDelivered {
		return NoEffect, coap.MethodNotAllowed
	}
	x.set(softwareState, lwm2m.Integer(softwareInstalled))
	return NoEffect, coap.Changed
}

func removeSoftware(x execution) (Effect, coap.Code) {
	if x.get(softwareState).Int() == softwareInitial {
		return NoEffect, coap.MethodNotAllowed
	}
	x.set(softwareState, lwm2m.Integer(softwareInitial))
	x.set(softwareActive, lwm2m.Boolean(false))
	return NoEffect, coap.Changed
}

func activate(on bool) func(execution) (Effect, coap.Code) {
	return func(x execution) (Effect, coap.Code) {
		if x.get(softwareState).Int() != softwareInstalled {
			return NoEffect, coap.MethodNotAllowed
		}
		x.set(softwareActive, lwm2m.Boolean(on))
		return NoEffect, coap.Changed
	}
}
