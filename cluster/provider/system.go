package provider

import (
	"log/slog"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"dormouse/codec/ids"
)

// System is protoactor's actor system, for those who pass it on.
type System = actor.ActorSystem

// NewSystem makes the actor system of a life of a node. It logs nothing.
func NewSystem(node ids.Node, incarnation uint64) *System {
	s := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	s.ID = SystemID(node, incarnation)
	return s
}

// SystemID is the ID of the actor system that NewSystem makes: whoever knows the
// life of a node knows it, and nobody has to be told.
func SystemID(node ids.Node, incarnation uint64) string {
	return node.String() + "-" + strconv.FormatUint(incarnation, 10)
}

// Process is protoactor's, likewise.
type Process = actor.Process
