package model

import (
	"bytes"
	"encoding/xml"
	"strconv"

	"dormouse/codec/lwm2m"
)

const ddfHead = `<?xml version="1.0" encoding="UTF-8"?>
<LWM2M xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.openmobilealliance.org/tech/profiles/LWM2M-v1_1.xsd">
`

// AppendDDF appends a definition file of schema 1.1, the inverse of ParseDDF.
// Characters that XML cannot carry become U+FFFD.
func AppendDDF(dst []byte, objects []*Object) []byte {
	dst = append(dst, ddfHead...)
	for _, o := range objects {
		dst = appendDDFObject(dst, o)
	}
	return append(dst, "</LWM2M>\n"...)
}

func appendDDFObject(dst []byte, o *Object) []byte {
	dst = append(dst, "\t<Object ObjectType=\"MODefinition\">\n"...)
	dst = appendElement(dst, "Name", o.Name)
	dst = appendElement(dst, "Description1", o.Description)
	dst = appendElement(dst, "ObjectID", strconv.Itoa(int(o.ID)))
	dst = appendElement(dst, "ObjectURN", o.URN)
	dst = appendElement(dst, "LWM2MVersion", o.LwM2MVersion.String())
	dst = appendElement(dst, "ObjectVersion", o.Version.String())
	dst = appendElement(dst, "MultipleInstances", either(o.Multiple, "Multiple", "Single"))
	dst = appendElement(dst, "Mandatory", either(o.Mandatory, "Mandatory", "Optional"))
	dst = append(dst, "\t\t<Resources>\n"...)
	for i := range o.Resources {
		dst = appendDDFItem(dst, &o.Resources[i])
	}
	dst = append(dst, "\t\t</Resources>\n"...)
	dst = appendElement(dst, "Description2", "")
	return append(dst, "\t</Object>\n"...)
}

func appendDDFItem(dst []byte, r *Resource) []byte {
	dst = append(dst, "\t\t<Item ID=\""...)
	dst = strconv.AppendUint(dst, uint64(r.ID), 10)
	dst = append(dst, "\">\n"...)
	dst = appendElement(dst, "Name", r.Name)
	dst = appendElement(dst, "Operations", r.Operations.String())
	dst = appendElement(dst, "MultipleInstances", either(r.Multiple, "Multiple", "Single"))
	dst = appendElement(dst, "Mandatory", either(r.Mandatory, "Mandatory", "Optional"))
	dst = appendElement(dst, "Type", typeName(r))
	dst = appendElement(dst, "RangeEnumeration", r.Range)
	dst = appendElement(dst, "Units", r.Units)
	dst = appendElement(dst, "Description", r.Description)
	return append(dst, "\t\t</Item>\n"...)
}

// typeName is empty for a resource without value.
func typeName(r *Resource) string {
	if r.Type == lwm2m.KindNone {
		return ""
	}
	return r.Type.String()
}

func appendElement(dst []byte, name, text string) []byte {
	b := bytes.NewBuffer(append(append(append(dst, "\t\t<"...), name...), '>'))
	_ = xml.EscapeText(b, []byte(text)) // a Buffer takes everything
	return append(append(append(b.Bytes(), "</"...), name...), ">\n"...)
}

func either(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}
