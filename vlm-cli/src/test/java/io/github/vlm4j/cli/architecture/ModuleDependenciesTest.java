package io.github.vlm4j.cli.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Dependencies point one way: core, then vision, text and connector, then models and search, then
 * cli.
 */
class ModuleDependenciesTest {

  private static final String ROOT = "io.github.vlm4j.";

  private static JavaClasses compiled;

  @BeforeAll
  static void importClasses() {
    compiled =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT.substring(0, ROOT.length() - 1));
  }

  static Stream<Arguments> modules() {
    return Stream.of(
        module("core"),
        module("vision", "core"),
        module("text", "core"),
        module("connector", "core"),
        module("search", "core", "vision"),
        module("backend.cpu", "core"),
        module("backend.tornado", "core"),
        module("models", "core", "vision", "text", "connector"),
        module("cli", "core", "vision", "text", "connector", "models", "search"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("modules")
  void moduleUsesOnlyWhatIsBelowIt(String module, String[] allowed) {
    String[] own =
        Stream.concat(Stream.of(module), Arrays.stream(allowed))
            .map(ModuleDependenciesTest::packages)
            .toArray(String[]::new);
    classes()
        .that(resideInAPackage(packages(module)))
        .should()
        .onlyDependOnClassesThat(
            not(resideInAPackage("io.github.vlm4j..")).or(resideInAnyPackage(own)))
        .check(compiled);
  }

  @Test
  void everyClassBelongsToAModuleNamedHere() {
    String[] known =
        modules().map(module -> packages((String) module.get()[0])).toArray(String[]::new);
    classes().should().resideInAnyPackage(known).check(compiled);
    assertThat(compiled).isNotEmpty();
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching(ROOT + "(**)").should().beFreeOfCycles().check(compiled);
  }

  @Test
  void onlyOnePackageKnowsTheVectorApi() {
    noClasses()
        .that(not(resideInAPackage(packages("backend.cpu.vector"))))
        .should()
        .dependOnClassesThat(resideInAPackage("jdk.incubator.."))
        .check(compiled);
  }

  private static Arguments module(String name, String... allowed) {
    return Arguments.of(name, allowed);
  }

  private static String packages(String module) {
    return ROOT + module + "..";
  }
}
