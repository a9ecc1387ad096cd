/** The make-up of a file, as plain data: what `assay inspect` shows of it. */
import { View } from "@assay/core/bytes/index";
import { classify, type Image, type MemoryImage, openImage } from "@assay/core/formats/index";
import type { RuleHit, RuleScanner } from "@assay/core/triage/ports";

export interface Facts {
  readonly format: string;
  readonly image: Readonly<Record<string, unknown>>;
  readonly rules: readonly RuleHit[];
}

export function factsOf(bytes: Uint8Array, rules: RuleScanner): Facts {
  const view = new View(bytes);
  const image = openImage(view);
  return {
    format: image.pe === undefined ? classify(view) : image.format,
    image: imageFacts(image),
    rules: bytes.length === 0 ? [] : rules.scan(bytes),
  };
}

/** Regions and modules of a dump that are listed: a machine's has tens of thousands. */
const MAX_LISTED = 200;

/** The make-up of a memory image. Rules are not listed: they are run window by window, on what stays of none. */
export function memoryFacts({ kind, process, pointerSize, regions, modules }: MemoryImage): Facts {
  const image = {
    ...(process === undefined ? {} : { process }),
    ...(pointerSize === undefined ? {} : { pointerSize }),
    modules: modules
      .slice(0, MAX_LISTED)
      .map(({ address, size, name }) => ({ address: hex(address), size, name })),
    ...more("moreModules", modules.length),
    regions: regions.slice(0, MAX_LISTED).map(({ address, size, offset, protection, type, module }) => ({
      ...{ address: hex(address), size, offset: hex(offset) },
      ...(protection === undefined ? {} : { protection }),
      ...(type === undefined ? {} : { type }),
      ...(module === undefined ? {} : { module }),
    })),
    ...more("moreRegions", regions.length),
  };
  return { format: kind, image, rules: [] };
}

function more(name: string, count: number): Record<string, number> {
  return count > MAX_LISTED ? { [name]: count - MAX_LISTED } : {};
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

function imageFacts(image: Image): Record<string, unknown> {
  const { pe, dotnet } = image;
  return {
    layout: image.layout,
    base: hex(image.base),
    ...(pe === undefined
      ? {}
      : {
          machine: hex(pe.machine),
          timeDateStamp: new Date(pe.timeDateStamp * 1000).toISOString(),
          entryPoint: hex(pe.addressOfEntryPoint),
          sections: pe.sections.map((section) => ({
            name: section.name,
            virtualAddress: hex(section.virtualAddress),
            virtualSize: section.virtualSize,
            pointerToRawData: hex(section.pointerToRawData),
            sizeOfRawData: section.sizeOfRawData,
          })),
          imports: image.imports.map((dll) => ({
            dll: dll.name,
            functions: dll.functions.length,
            delayed: dll.delayed,
          })),
          exports: image.exports?.functions.length ?? 0,
          resources: image.resources.map(({ type, name, language, size }) => ({
            type,
            name,
            language,
            size,
          })),
          pdbPaths: image.debug.flatMap((entry) =>
            entry.pdbPath === undefined ? [] : [entry.pdbPath.value],
          ),
          richHeader: image.richHeader,
          overlay: image.overlay?.length ?? 0,
          certificates: image.certificates.length,
          anomalies: pe.anomalies,
        }),
    ...(dotnet === undefined
      ? {}
      : {
          dotnet: {
            runtimeVersion: dotnet.runtimeVersion,
            assembly: dotnet.assemblyName,
            module: dotnet.moduleName,
            mvid: dotnet.mvid,
            streams: dotnet.streams.map(({ name, view }) => ({ name, size: view.length })),
            types: dotnet.typeDefs.length,
            methods: dotnet.methods.length,
            fields: dotnet.fields.length,
            userStrings: dotnet.userStrings().length,
            resources: dotnet.resources().map(({ name, data }) => ({ name, size: data?.length ?? 0 })),
            anomalies: dotnet.anomalies,
          },
        }),
  };
}
