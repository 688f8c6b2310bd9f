/*
Copyright 2026 The eventing-ptp Authors

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

// Package output prints values in the formats that machines read, as kubectl does.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"
)

// Printer prints values, one after the other.
type Printer interface {
	Print(to io.Writer, value any) error
}

// Formats are those that New knows, as they are typed.
const Formats = "json|yaml|jsonpath=TEMPLATE|jsonpath-file=FILE|go-template=TEMPLATE|go-template-file=FILE"

// New returns what prints in a format. A stream has many values: each JSON is one line then,
// each YAML a document of its own, and what a template prints ends with a line. own are the
// formats that the caller has besides; they are only for the error.
func New(format string, stream bool, own ...string) (Printer, error) {
	name, argument, given := strings.Cut(format, "=")
	switch name {
	case "json", "yaml":
		if given {
			break
		}
		if name == "json" {
			return jsonPrinter{stream}, nil
		}
		return yamlPrinter{stream}, nil
	case "jsonpath", "jsonpath-file", "go-template", "go-template-file":
		if !given || argument == "" {
			return nil, fmt.Errorf("-o %s needs a template: -o %s=TEMPLATE", name, name)
		}
		template, err := load(name, argument)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "jsonpath") {
			p, err := printers.NewJSONPathPrinter(relaxed(template))
			if err != nil {
				return nil, fmt.Errorf("read the template of -o jsonpath: %w", err)
			}
			p.AllowMissingKeys(true)
			return templatePrinter{p, stream}, nil
		}
		p, err := printers.NewGoTemplatePrinter([]byte(template))
		if err != nil {
			return nil, fmt.Errorf("read the template of -o go-template: %w", err)
		}
		p.AllowMissingKeys(true)
		return templatePrinter{p, stream}, nil
	}
	return nil, fmt.Errorf("-o %q is not known; it can be %s", format, strings.Join(append(slices.Clone(own), Formats), "|"))
}

func load(name, argument string) (string, error) {
	if !strings.HasSuffix(name, "-file") {
		return argument, nil
	}
	text, err := os.ReadFile(argument)
	if err != nil {
		return "", fmt.Errorf("read the template of -o %s: %w", name, err)
	}
	return string(text), nil
}

// relaxed makes {.a.b} of a.b and of .a.b, as kubectl does.
func relaxed(path string) string {
	if strings.Contains(path, "{") {
		return path
	}
	return "{." + strings.TrimPrefix(path, ".") + "}"
}

type jsonPrinter struct{ lines bool }

func (p jsonPrinter) Print(to io.Writer, value any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	if !p.lines {
		encoder.SetIndent("", "    ")
	}
	return encoder.Encode(value)
}

type yamlPrinter struct{ documents bool }

func (p yamlPrinter) Print(to io.Writer, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	if p.documents {
		text = append([]byte("---\n"), text...)
	}
	_, err = to.Write(text)
	return err
}

type templatePrinter struct {
	printers.ResourcePrinter
	lines bool
}

func (p templatePrinter) Print(to io.Writer, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("print by a template: %w", err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{}}
	if err := json.Unmarshal(text, &object.Object); err != nil {
		return fmt.Errorf("print by a template: %w", err)
	}
	var line strings.Builder
	if err := p.PrintObj(object, &line); err != nil {
		return err
	}
	if p.lines && !strings.HasSuffix(line.String(), "\n") {
		line.WriteByte('\n')
	}
	_, err = io.WriteString(to, line.String())
	return err
}
