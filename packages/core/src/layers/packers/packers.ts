/**
 * Packers and protectors that are named, not undone: by their own entry code, or by section names of their own with the
 * entry point inside such a section. Facts: each tool's output as documented by reverse engineers (PEiD's database,
 * Detect It Easy, vendors' manuals); a name alone is never enough, since anybody may call a section anything.
 */
import { matchesAt, type Pattern, pattern, type Span } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import type { Pe, Section } from "../../formats/pe/model.ts";
import { type Layer, type LayerInput, type LayerOutput, NOTHING, reason } from "../layer.ts";

interface Packer {
  readonly name: string;
  /** Entry code of its versions. */
  readonly entry?: readonly Pattern[];
  /** Section names of its own. */
  readonly sections?: RegExp;
  /** With such sections: what else must hold. By default the entry point lies in one of them. */
  readonly shape?: (pe: Pe, image: Image) => boolean;
}

const PACKERS: readonly Packer[] = [
  {
    name: "MPRESS",
    sections: /^\.MPRESS[12]$/,
    entry: [
      // pushad; call $+5; pop eax; add eax, d; mov esi, [eax]; add esi, eax; sub eax, eax; mov edi, esi; lodsw; shl eax, 12
      pattern("60 E8 00 00 00 00 58 05 ?? ?? ?? ?? 8B 30 03 F0 2B C0 8B FE 66 AD C1 E0 0C"),
      pattern("57 56 53 51 52 41 50 48 8D 05 ?? ?? ?? ?? 48 8B 30 48 03 F0 48 2B C0 48 8B FE 66 AD C1 E0 0C"),
    ],
  },
  {
    name: "ASPack",
    sections: /^\.(?:aspack|adata)$/,
    shape: (pe) => pe.sections.some((s) => s.name === ".aspack") && entrySection(pe)?.name === ".aspack",
    // pushad; call $+8; jmp …; pop ebp; inc ebp; push ebp; ret; call $+6
    entry: [
      pattern("60 E8 03 00 00 00 E9 EB 04 5D 45 55 C3 E8 01 00 00 00 EB 5D"),
      pattern("90 60 E8 03 00 00 00 E9 EB 04 5D 45 55 C3 E8 01 00 00 00"),
    ],
  },
  {
    name: "FSG",
    entry: [
      // 2.0: xchg [stack], esp; popad; xchg eax, esp; push ebp; movsb; mov dh, 80; call [ebx]
      pattern("87 25 ?? ?? ?? ?? 61 94 55 A4 B6 80 FF 13 73 F9 33 C9"),
      // 1.33: mov esi, table; lodsd; xchg ebx, eax; lodsd; xchg edi, eax; lodsd; push esi
      pattern("BE ?? ?? ?? ?? AD 93 AD 97 AD 56 96 B2 80 A4 B6 80 FF 13 73 F9"),
      // 1.0
      pattern("BB ?? ?? ?? ?? BF ?? ?? ?? ?? BE ?? ?? ?? ?? 53 E8 0A 00 00 00 02 D2 75 05 8A 16 46 12 D2 C3"),
    ],
  },
  {
    name: "PEtite",
    sections: /^\.petite$/,
    entry: [
      // mov eax, table; push handler; push fs:[0]; mov fs:[0], esp; pushfw; pushad; push eax
      pattern("B8 ?? ?? ?? ?? 68 ?? ?? ?? ?? 64 FF 35 00 00 00 00 64 89 25 00 00 00 00 66 9C 60 50"),
      pattern("B8 ?? ?? ?? ?? 6A 00 68 ?? ?? ?? ?? 64 FF 35 00 00 00 00 64 89 25 00 00 00 00 66 9C 60 50"),
    ],
  },
  {
    name: "MEW",
    sections: /^MEW(?:F)?$/,
    // The entry point is a jump back to code inside the headers.
    shape: (pe, image) => {
      const at = image.offsetOfRva(pe.addressOfEntryPoint);
      const distance = at === undefined || image.view.u8(at) !== 0xe9 ? undefined : image.view.i32(at + 1);
      return distance !== undefined && pe.addressOfEntryPoint + 5 + distance < 0x1000;
    },
  },
  {
    name: "PECompact",
    sections: /^(?:PEC2.*|pec[12])$/,
    // … mov eax, [handler]; push eax; push fs:[0]; mov fs:[0], esp; xor eax, eax; mov [eax], ecx; then its name
    entry: [
      pattern(
        "B8 ?? ?? ?? ?? 50 64 FF 35 00 00 00 00 64 89 25 00 00 00 00 33 C0 89 08 50 45 43 6F 6D 70 61 63 74 32",
      ),
    ],
  },
  {
    name: "NsPack",
    sections: /^\.?nsp[0-2]$/,
    // pushfd; pushad; call $+5; pop ebp; mov eax, 7 / sub ebp, 7
    entry: [
      pattern("9C 60 E8 00 00 00 00 5D B8 ?? ?? ?? ?? 2B E8 8D B5"),
      pattern("9C 60 E8 00 00 00 00 5D 83 ED 07 8D 8D"),
    ],
  },
  {
    name: "Upack",
    sections: /^\.(?:Upack|ByDwing)$/,
    // mov esi, table; lodsd; push eax; push [esi + 34] or mov edi, [esi + 34]
    entry: [
      pattern("BE ?? ?? ?? ?? AD 50 FF 76 34 EB 7C 48 01"),
      pattern("BE ?? ?? ?? ?? AD 8B F8 95 A5 33 C0 33 C9 AB 48 AB F7 D8 B1 04 F3 AB"),
    ],
  },
  { name: "Themida or WinLicense", sections: /^\.(?:themida|winlice)$/, shape: inOwnOrBoot },
  { name: "VMProtect", sections: /^\.vmp[0-9]$/ },
  { name: "Enigma Protector or Enigma Virtual Box", sections: /^\.enigma[12]$/, shape: isEnigma },
  { name: "Armadillo", sections: /^\.(?:text1|data1|adata)$/, shape: isArmadillo },
];

export const packers: Layer = {
  id: "packers",
  title: "Packers that are named",
  how: `Named by entry code or section layout, not unpacked: ${PACKERS.map((p) => p.name).join(", ")}.`,
  peel(input: LayerInput): LayerOutput {
    const { image } = input;
    const { pe } = image;
    if (pe === undefined) return NOTHING;
    const reasons = PACKERS.flatMap((packer) => {
      const found = recognise(packer, image, pe);
      if (found === undefined) return [];
      const text = `packed with ${packer.name} (${found.by}); not unpacked`;
      return [reason(packers, "packer", text, found.at)];
    });
    return reasons.length === 0 ? NOTHING : { inner: [], reasons };
  },
};

function recognise(packer: Packer, image: Image, pe: Pe): { by: string; at: Span } | undefined {
  const entry = image.offsetOfRva(pe.addressOfEntryPoint);
  const code =
    entry === undefined
      ? undefined
      : packer.entry?.find((candidate) => matchesAt(image.view.bytes, candidate, entry));
  if (code !== undefined && entry !== undefined)
    return { by: "entry code", at: image.view.span(entry, code.value.length) };
  const { sections, shape } = packer;
  const index = sections === undefined ? -1 : pe.sections.findIndex((s) => sections.test(s.name));
  if (sections === undefined || index < 0) return undefined;
  const holds = shape === undefined ? sections.test(entrySection(pe)?.name ?? "") : shape(pe, image);
  if (!holds) return undefined;
  const header = pe.lfanew + 24 + pe.sizeOfOptionalHeader + 40 * index;
  return { by: "sections and entry point", at: image.view.span(header, 40) };
}

function entrySection(pe: Pe): Section | undefined {
  const entry = pe.addressOfEntryPoint;
  return pe.sections.findLast(
    (s) => entry >= s.virtualAddress && entry < s.virtualAddress + Math.max(s.virtualSize, s.sizeOfRawData),
  );
}

/** Version 3 starts in `.boot`, earlier ones in the section that bears the name. */
function inOwnOrBoot(pe: Pe): boolean {
  return /^\.(?:themida|winlice|boot)$/.test(entrySection(pe)?.name ?? "");
}

/** Both of its sections, at the end. */
function isEnigma(pe: Pe): boolean {
  const own = pe.sections.filter((s) => /^\.enigma[12]$/.test(s.name));
  return own.length === 2 && pe.sections.at(-1)?.name === ".enigma2";
}

/** It writes its initials where the linker's version stands ("SR": Silicon Realms). */
function isArmadillo(pe: Pe, image: Image): boolean {
  return image.view.u16(pe.lfanew + 26) === 0x5253;
}
