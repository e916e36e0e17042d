/** What stands between a vision encoder and a text decoder. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.connector;
