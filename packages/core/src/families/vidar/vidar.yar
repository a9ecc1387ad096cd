/*
 * Vidar. Texts after SEKOIA (2023), RussianPanda and AviaB (2025); code after CAPEv2's notes on the 2018 decoder and
 * Elastic's nightMARE on 17.7. The blob of 2026 has no fixed bytes: the extractor's scan finds it without a rule.
 */

rule assay_vidar_report
{
    meta:
        description = "Report texts of Vidar in clear, with the address list's dead drop or the upload's form names"
        family = "win.vidar"
    strings:
        $in_memory = "Work Dir: In memory" ascii
        $tokens = "Soft\\Steam\\steam_tokens.txt" ascii
        $machine = "MachineID:" ascii
        $hardware = "[Hardware]" ascii
        $video = "VideoCard:" ascii
        $info = "information.txt" ascii
        $software = "[Software]" ascii
        $build = "build_id" ascii fullword
        $file = "file_data" ascii fullword
        $steam = "https://steamcommunity.com/profiles/7656119" ascii
        $telegram = "https://t.me/" ascii
    condition:
        ($in_memory and 3 of ($tokens, $machine, $hardware, $video, $info, $software, $build, $file))
        or (5 of ($tokens, $machine, $hardware, $video, $info, $software) and any of ($steam, $telegram))
}

rule assay_vidar_xor_text_key
{
    meta:
        description = "String decoder of 2018 to 2021: key character by index modulo lstrlenA(key), XOR in place"
        family = "win.vidar"
    strings:
        $decoder = { 33 D2 8B C7 F7 F1 8B 45 0C 8B 4D 08 8A 04 02 32 04 31 47 88 06 }
    condition:
        $decoder
}

rule assay_vidar_17_config
{
    meta:
        description = "Config function of 17.7 (x64), which decodes through a 91-character substitution table"
        family = "win.vidar"
    strings:
        $decode = { BA 20 00 00 00 48 89 F1 49 89 F8 E8 ?? ?? ?? ?? BA 40 00 00 00 48 89 D9 4D 89 F0 E8 }
    condition:
        $decode
}
