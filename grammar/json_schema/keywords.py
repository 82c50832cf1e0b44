"""The keywords that are read, each with what reads it."""

from typing import Final

from grammar.json_schema import arrays, composition, objects, scalars
from grammar.json_schema.expander import Handler
from grammar.json_schema.scalars import ABOVE, AT, BELOW, bound

KEYWORDS: Final[dict[str, Handler]] = {
    "type": scalars.of_type,
    "const": scalars.const,
    "enum": scalars.enum,
    "minimum": bound("minimum", ABOVE | AT, "exclusiveMinimum"),
    "maximum": bound("maximum", BELOW | AT, "exclusiveMaximum"),
    "exclusiveMinimum": bound("exclusiveMinimum", ABOVE),
    "exclusiveMaximum": bound("exclusiveMaximum", BELOW),
    "multipleOf": scalars.multiple_of,
    "minLength": scalars.min_length,
    "maxLength": scalars.max_length,
    "pattern": scalars.pattern,
    "format": scalars.of_format,
    "prefixItems": arrays.prefix_items,
    "items": arrays.items,
    "additionalItems": arrays.additional_items,
    "minItems": arrays.min_items,
    "maxItems": arrays.max_items,
    "contains": arrays.contains,
    "uniqueItems": arrays.unique_items,
    "properties": objects.properties,
    "patternProperties": objects.pattern_properties,
    "additionalProperties": objects.additional_properties,
    "propertyNames": objects.property_names,
    "required": objects.required,
    "minProperties": objects.min_properties,
    "maxProperties": objects.max_properties,
    "dependentRequired": objects.dependent_required,
    "dependentSchemas": objects.dependent_schemas,
    "dependencies": objects.dependencies,
    "$ref": composition.ref,
    "$dynamicRef": composition.dynamic_ref,
    "$recursiveRef": composition.recursive_ref,
    "allOf": composition.all_of,
    "anyOf": composition.any_of,
    "oneOf": composition.one_of,
    "not": composition.negation,
    "if": composition.conditional,
}
"""Every keyword that says something of a value, but for those that are read last (`OUTER`)."""
