package main

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	forkedjson "k8s.io/apimachinery/third_party/forked/golang/json"
)

const head = `# Which lists and maps of Kubernetes' own kinds a strategic merge patch goes into, and how: the fields of
# the Go types (k8s.io/api) with their tags patchStrategy and patchMergeKey. Written by
#   helm-patch types
# (tests/cluster-binaries/patches); a test compares. Fields that hold single values are left out.
#
#   kind VERSION KIND TYPE
#   type TYPE FIELD=SHAPE[:STRATEGIES[:MERGE KEY]] …       SHAPE: TYPE, {} (a map), [] or [TYPE] or [{}]
`

func writeTypes(out io.Writer, known *runtime.Scheme) error {
	lines := map[string]bool{}
	types := map[string]string{}
	for kind, of := range known.AllKnownTypes() {
		meta, ok := of.FieldByName("ObjectMeta")
		if kind.Version == runtime.APIVersionInternal || !ok || meta.Type != reflect.TypeFor[metav1.ObjectMeta]() {
			continue
		}
		version, name := kind.ToAPIVersionAndKind()
		// Helm gives these a JSON merge patch.
		if version == "apiextensions.k8s.io/v1beta1" {
			continue
		}
		lines[fmt.Sprintf("kind %s %s %s\n", version, name, describe(of, types))] = true
	}
	text := head + strings.Join(slices.Sorted(maps.Keys(lines)), "")
	for _, name := range slices.Sorted(maps.Keys(types)) {
		text += "type " + name + types[name] + "\n"
	}
	_, err := io.WriteString(out, text)
	return err
}

// describe adds a struct and all below it, and returns its name.
func describe(of reflect.Type, types map[string]string) string {
	path := strings.Split(of.PkgPath(), "/")
	name := strings.Join(path[max(0, len(path)-2):], "/") + "." + of.Name()
	if _, there := types[name]; there {
		return name
	}
	types[name] = "" // A type may hold itself.
	text := ""
	for _, field := range fields(of) {
		elem, strategies, key, err := forkedjson.LookupPatchMetadataForStruct(of, field)
		if err != nil {
			continue
		}
		shape := shape(elem, types)
		if shape == "" {
			continue
		}
		tags := strings.TrimRight(":"+strings.Join(strategies, ",")+":"+key, ":")
		text += " " + field + "=" + shape + tags
	}
	types[name] = text
	return name
}

// fields are the JSON names of a struct's fields, those of embedded structs too.
func fields(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case name != "":
			names = append(names, name)
		case field.Anonymous && pointee(field.Type).Kind() == reflect.Struct:
			names = append(names, fields(pointee(field.Type))...)
		default:
			names = append(names, field.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func shape(of reflect.Type, types map[string]string) string {
	switch of = pointee(of); of.Kind() {
	case reflect.Struct:
		return describe(of, types)
	case reflect.Map:
		return "{}"
	case reflect.Slice, reflect.Array:
		if of.Elem().Kind() == reflect.Uint8 {
			return ""
		}
		return "[" + shape(of.Elem(), types) + "]"
	default:
		return ""
	}
}

func pointee(of reflect.Type) reflect.Type {
	if of.Kind() == reflect.Pointer {
		return of.Elem()
	}
	return of
}
