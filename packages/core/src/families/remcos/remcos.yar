rule assay_remcos
{
    meta:
        description = "Remcos: texts of its console, keylogger, watchdog and protocol"
        family = "win.remcos"

    strings:
        $name = "Remcos" ascii wide
        $banner = " * REMCOS v" ascii
        $vendor1 = "Breaking-Security.Net" ascii
        $vendor2 = "BreakingSecurity.Net" ascii
        $vendor3 = "BreakingSecurity.net" ascii
        $inject = "Remcos_Mutex_Inj" ascii
        $watchdog1 = "Mutex_RemWatchdog" ascii
        $watchdog2 = "Remcos restarted by watchdog!" ascii
        $agent = "Remcos Agent initialized" ascii
        $keylogger1 = "Offline Keylogger Started" ascii
        $keylogger2 = "Online Keylogger Started" ascii
        $clipboard1 = "[Following text has been pasted from clipboard:]" ascii
        $clipboard2 = "[Following text has been copied to clipboard:]" ascii
        $cookies = "[Chrome Cookies found, cleared!]" ascii
        $script = "remscriptexecd" ascii

    condition:
        4 of them
}
