package objects

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
	"dormouse/codec/model"
	"dormouse/codec/text"
)

//go:embed factory.txt
var factoryText string

// build reads the factory's lines into the objects of the profile.
func (p *Profile) build(lines string) error {
	number := 0
	for line := range strings.Lines(lines) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, _ := strings.Cut(line, " ")
		path, err := lwm2m.ParsePath(name)
		if err == nil {
			err = p.add(path, value)
		}
		if err != nil {
			return fmt.Errorf("objects: factory.txt line %d: %w", number, err)
		}
	}
	for i := range p.factory {
		p.factory[i].complete()
	}
	return nil
}

// add puts one value where the profile has the resource.
func (p *Profile) add(path lwm2m.Path, value string) error {
	t := Tree{profile: p, objects: p.factory}
	definition := t.Definition(path)
	if definition == nil {
		return nil
	}
	if definition.Multiple != path.IsResourceInstance() {
		return fmt.Errorf("%s: a value and the definition disagree about resource instances", path)
	}
	instance := t.Instance(path)
	if instance == nil {
		instance = &Instance{ID: path.Instance()}
	}
	r, _ := instance.Resource(path.Resource())
	item := Item{ID: path.ResourceInstance()}
	var err error
	if signal, ok := strings.CutPrefix(value, "~"); ok {
		r.Signal, err = parseSignal(signal)
	} else {
		item.Value, err = p.parse(path, value)
	}
	if err == nil {
		t.Put(path.Object(), instance.With(r.With(item)))
	}
	return err
}

func parseSignal(name string) (Signal, error) {
	i := slices.IndexFunc(signals[:], func(k signalKind) bool { return k.name == name })
	if i <= 0 {
		return SignalNone, fmt.Errorf("no signal is called %q", name)
	}
	return Signal(i), nil
}

// parse reads a value as the type of its resource.
func (p *Profile) parse(path lwm2m.Path, s string) (lwm2m.Value, error) {
	if count, ok := strings.CutPrefix(s, "*"); ok {
		n, err := strconv.ParseUint(count, 10, 16)
		return lwm2m.Opaque(pattern(int(n))), err
	}
	list, err := text.DecodeText(path, []byte(s), p.types)
	if err != nil {
		return lwm2m.Value{}, err
	}
	return list[0].Value, nil
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// complete gives the instances of an object those resources that have no value:
// the executable ones and the mandatory ones that are only written.
func (o *Object) complete() {
	for i := range o.Instances {
		o.Instances[i] = Complete(o.Definition, o.Instances[i])
	}
}

// bootstrapTrigger is /1/x/9, which a device without bootstrap does not have.
const bootstrapTrigger = 9

// Complete is an instance with the resources of its definition that it has
// without anybody setting them.
func Complete(definition *model.Object, instance *Instance) *Instance {
	for _, d := range definition.Resources {
		if _, ok := instance.Resource(d.ID); ok || definition.ID == 1 && d.ID == bootstrapTrigger {
			continue
		}
		if d.Operations&model.Execute != 0 || d.Operations == model.Write && d.Mandatory {
			instance = instance.With(Resource{ID: d.ID})
		}
	}
	return instance
}

// Default is a resource of a new instance that only the device can give: a
// signal, or a plain value for a mandatory resource that nobody can write. ok is
// false for all others.
func Default(object uint16, d *model.Resource) (r Resource, ok bool) {
	r.ID = d.ID
	if s, ok := ownSignals[lwm2m.NewPath(object, 0, d.ID)]; ok {
		r.Signal, r.Items = s, []Item{{}}
		return r, true
	}
	if !d.Mandatory || d.Operations != model.Read {
		return r, false
	}
	if !d.Multiple {
		r.Items = []Item{{Value: Zero(d.Type)}}
	}
	return r, true
}

// ownSignals are those of objects of which a server may create instances.
var ownSignals = map[lwm2m.Path]Signal{
	lwm2m.NewPath(3303, 0, 5700): signalTemperature,
	lwm2m.NewPath(3303, 0, 5601): signalLowest,
	lwm2m.NewPath(3303, 0, 5602): signalHighest,
	lwm2m.NewPath(3303, 0, 5518): signalSampled,
}

// Zero is the plainest value of a type.
func Zero(k lwm2m.Kind) lwm2m.Value {
	switch k {
	case lwm2m.KindInteger:
		return lwm2m.Integer(0)
	case lwm2m.KindUnsigned:
		return lwm2m.Unsigned(0)
	case lwm2m.KindFloat:
		return lwm2m.Float(0)
	case lwm2m.KindBoolean:
		return lwm2m.Boolean(false)
	case lwm2m.KindOpaque:
		return lwm2m.Opaque(nil)
	case lwm2m.KindTime:
		return lwm2m.Time(0)
	case lwm2m.KindObjlnk:
		return lwm2m.Link(lwm2m.Objlnk{Object: lwm2m.MaxID, Instance: lwm2m.MaxID})
	case lwm2m.KindCorelnk:
		return lwm2m.Corelnk("")
	}
	return lwm2m.String("")
}
