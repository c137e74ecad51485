package platform

// PlatformPath is the document that leads to all others.
const PlatformPath = "/platform"

// api is one part of the root document: its address, its collections, which are
// objects with a link, and templates of addresses.
type api struct {
	name, path  string
	collections []link
	templates   []link
}

// link is a name and where it leads to.
type link struct{ name, path string }

var apis = []api{
	{"inventory", "/inventory", []link{{"managedObjects", ObjectsPath}}, []link{
		{"managedObjectsForType", ObjectsPath + "?type={type}"},
		{"managedObjectsForFragmentType", ObjectsPath + "?fragmentType={fragmentType}"},
		{"managedObjectsForListOfIds", ObjectsPath + "?ids={ids}"},
		{"managedObjectsForText", ObjectsPath + "?text={text}"},
	}},
	{"identity", "/identity", nil, []link{
		{"externalId", ExternalIDsPath + "/{type}/{externalId}"},
		{"externalIdsOfGlobalId", GlobalIDsPath + "/{globalId}/externalIds"},
	}},
	{"deviceControl", "/devicecontrol", []link{{"operations", OperationsPath}}, []link{
		{"operationsByStatus", OperationsPath + "?status={status}"},
		{"operationsByAgentId", OperationsPath + "?agentId={agentId}"},
		{"operationsByAgentIdAndStatus", OperationsPath + "?agentId={agentId}&status={status}"},
		{"operationsByDeviceId", OperationsPath + "?deviceId={deviceId}"},
		{"operationsByDeviceIdAndStatus", OperationsPath + "?deviceId={deviceId}&status={status}"},
	}},
	{"user", "/user", nil, []link{
		{"currentUser", CurrentUserPath},
		{"users", "/user/{realm}/users"},
		{"userByName", "/user/{realm}/userByName/{userName}"},
	}},
	{"audit", "/audit", []link{{"auditRecords", AuditPath}}, []link{
		{"auditRecordsForType", AuditPath + "?type={type}"},
		{"auditRecordsForUser", AuditPath + "?user={user}"},
		{"auditRecordsForApplication", AuditPath + "?application={application}"},
	}},
}

// AppendPlatform appends the root document: of each part of the API its link,
// its collections and templates. offered reports which parts there are.
func AppendPlatform(dst []byte, base string, offered func(part string) bool) []byte {
	o := newObject(dst)
	o.text("self", base+PlatformPath)
	for _, a := range apis {
		if !offered(a.name) {
			continue
		}
		o.name(a.name)
		o.buf = a.append(o.buf, base)
	}
	return o.close()
}

// AppendAPI appends one part alone, as its own address shows it; ok is false
// where there is no part at the path.
func AppendAPI(dst []byte, path, base string) (body []byte, ok bool) {
	for _, a := range apis {
		if a.path == path {
			return a.append(dst, base), true
		}
	}
	return dst, false
}

func (a *api) append(dst []byte, base string) []byte {
	o := newObject(dst)
	o.text("self", base+a.path)
	for _, c := range a.collections {
		o.name(c.name)
		list := newObject(o.buf)
		list.text("self", base+c.path)
		o.buf = list.close()
	}
	for _, t := range a.templates {
		o.text(t.name, base+t.path)
	}
	return o.close()
}
