/** Whole models put together, and the API that users see. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.models;
