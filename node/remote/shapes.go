package remote

import (
	"encoding/json"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// The shapes of arguments and results. Those that stand for a type of the platform
// or the API have its very fields, so that they convert: a field that is new there
// does not compile here before it travels.

type operationShape struct {
	ID         ids.Operation      `json:"id"`
	Device     ids.Object         `json:"device"`
	DeviceName string             `json:"deviceName,omitempty"`
	Status     platform.Status    `json:"status"`
	Created    time.Time          `json:"created"`
	Updated    time.Time          `json:"updated"`
	Text       string             `json:"text"`
	Result     string             `json:"result,omitempty"`
	Results    json.RawMessage    `json:"results,omitempty"`
	Failure    string             `json:"failure,omitempty"`
	Retry      bool               `json:"retry,omitempty"`
	Fragments  platform.Fragments `json:"fragments,omitempty"`
}

type objectShape struct {
	ID         ids.Object          `json:"id"`
	Type       string              `json:"type,omitempty"`
	Name       string              `json:"name,omitempty"`
	Owner      string              `json:"owner,omitempty"`
	Created    time.Time           `json:"created"`
	Updated    time.Time           `json:"updated"`
	References platform.References `json:"references,omitzero"`
	Fragments  platform.Fragments  `json:"fragments,omitempty"`
}

type objectChangeShape struct {
	Type      *string            `json:"type,omitempty"`
	Name      *string            `json:"name,omitempty"`
	Owner     *string            `json:"owner,omitempty"`
	Fragments platform.Fragments `json:"fragments,omitempty"`
}

type newOperationShape struct {
	Device    ids.Object         `json:"device"`
	Text      string             `json:"text"`
	Retry     bool               `json:"retry,omitempty"`
	Fragments platform.Fragments `json:"fragments,omitempty"`
}

type operationChangeShape struct {
	Status platform.Status `json:"status"`
	Reason string          `json:"reason,omitempty"`
}

type filterShape struct {
	Device       ids.Object      `json:"device"`
	HasDevice    bool            `json:"hasDevice,omitempty"`
	Status       platform.Status `json:"status,omitempty"`
	FragmentType string          `json:"fragmentType,omitempty"`
	From         time.Time       `json:"from,omitzero"`
	To           time.Time       `json:"to,omitzero"`
	Revert       bool            `json:"revert,omitempty"`
}

type cascadeShape struct {
	Children   bool `json:"children,omitempty"`
	DeviceUser bool `json:"deviceUser,omitempty"`
}

type newCredentialsShape struct {
	Endpoint string `json:"endpoint"`
	Identity string `json:"identity"`
	Key      []byte `json:"key"`
}

type credentialsShape struct {
	Endpoint string    `json:"endpoint"`
	Identity string    `json:"identity"`
	Updated  time.Time `json:"updated"`
}

// keyShape is an admin.IdempotencyKey; both are empty for none.
type keyShape struct {
	Name []byte `json:"name,omitempty"`
	Body []byte `json:"body,omitempty"`
}

func shapeOf(k admin.IdempotencyKey) *keyShape {
	if k.IsZero() {
		return nil
	}
	return &keyShape{k.Name[:], k.Body[:]}
}

// key is the key; of bytes that are too few the rest is zero.
func (s *keyShape) key() (k admin.IdempotencyKey) {
	if s != nil {
		copy(k.Name[:], s.Name)
		copy(k.Body[:], s.Body)
	}
	return k
}

// The arguments of the methods.

type objectArgs struct {
	ID      ids.Object        `json:"id"`
	Change  objectChangeShape `json:"change,omitzero"`
	Cascade cascadeShape      `json:"cascade,omitzero"`
}

type createObjectArgs struct {
	Shard  ids.Shard         `json:"shard"`
	Change objectChangeShape `json:"change"`
	Key    *keyShape         `json:"key,omitempty"`
}

type createOperationArgs struct {
	Operation newOperationShape `json:"operation"`
	Key       *keyShape         `json:"key,omitempty"`
}

type operationArgs struct {
	ID     ids.Operation        `json:"id"`
	Change operationChangeShape `json:"change,omitzero"`
}

type deleteOperationsArgs struct {
	Shard  ids.Shard   `json:"shard"`
	Filter filterShape `json:"filter"`
}

type credentialsArgs struct {
	Credentials newCredentialsShape `json:"credentials"`
	Replace     bool                `json:"replace,omitempty"`
}

type nameArgs struct {
	Endpoint string `json:"endpoint"`
}

type claimArgs struct {
	Identity []byte    `json:"identity"` // not text of necessity
	Endpoint string    `json:"endpoint"`
	Until    time.Time `json:"until,omitzero"`
}

// The results that are no shape of the above.

type nothing struct{}

type addedResult struct {
	Credentials credentialsShape `json:"credentials"`
	Created     bool             `json:"created,omitempty"`
}

type reservationShape struct {
	Fresh bool      `json:"fresh,omitempty"`
	Until time.Time `json:"until"`
}
